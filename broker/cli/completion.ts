import { UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";

/** Shells that it is made for. */
const SHELLS = ["bash", "zsh", "fish"] as const;

const USAGE = `Usage: deno run -A broker/main.ts completion ${SHELLS.join("|")} [NAME]

Prints a script by which a shell completes the commands of a program called NAME (default: warren),
such as an alias of this one:

  eval "$(warren completion bash)"
  source <(warren completion zsh)
  warren completion fish | source`;

/** Options that are completed everywhere; each command has more in its --help. */
const OPTIONS = ["--help", "--url", "--user", "--vhost", "--format"];

/**
 * Makes `completion`: a script for a shell.
 *
 * @param names All commands: of one word, or of two.
 */
export function completionOf(names: () => readonly string[]): Command {
  return {
    summary: "print a script by which a shell completes commands",
    run(args, terminal) {
      const [shell, program = "warren"] = args;
      if (args.includes("--help") || args.includes("-h")) {
        terminal.say(USAGE);
        return Promise.resolve(0);
      }
      if (shell === undefined || !SHELLS.some((one) => one === shell)) {
        throw new UsageError(`completion takes one of ${SHELLS.join(", ")}`);
      }
      if (!/^[\w.-]+$/.test(program)) throw new UsageError(`'${program}' is no name of a program`);
      const words = new Map<string, string[]>();
      for (const name of names()) {
        const [first = "", second] = name.split(" ");
        words.set(first, [...words.get(first) ?? [], ...second === undefined ? [] : [second]]);
      }
      terminal.say(shell === "fish" ? fish(program, words) : bash(program, words, shell === "zsh"));
      return Promise.resolve(0);
    },
  };
}

/** Without a configuration of its own zsh completes nothing, and says so to whoever adds to that. */
const ZSH = [
  "(( $+functions[compdef] )) || { autoload -U compinit && compinit -u }",
  "autoload -U +X bashcompinit && bashcompinit",
];

/** zsh takes bash's when it is told to. */
function bash(
  program: string,
  words: ReadonlyMap<string, readonly string[]>,
  zsh: boolean,
): string {
  const cases = [...words].filter(([, seconds]) => seconds.length > 0)
    .map(([first, seconds]) => `    ${first}) words="${seconds.join(" ")}" ;;`);
  const name = `_${program.replace(/\W/g, "_")}`;
  return [
    ...zsh ? ZSH : [],
    `${name}() {`,
    '  local current="${COMP_WORDS[COMP_CWORD]}" words=""',
    '  if [[ "$current" == -* ]]; then',
    `    words="${OPTIONS.join(" ")}"`,
    "  elif [[ $COMP_CWORD -eq 1 ]]; then",
    `    words="${[...words.keys()].join(" ")}"`,
    "  elif [[ $COMP_CWORD -eq 2 ]]; then",
    '    case "${COMP_WORDS[1]}" in',
    ...cases,
    "    esac",
    "  fi",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    `complete -o default -F ${name} ${program}`,
  ].join("\n");
}

function fish(program: string, words: ReadonlyMap<string, readonly string[]>): string {
  return [
    `complete -c ${program} -f -n __fish_use_subcommand -a "${[...words.keys()].join(" ")}"`,
    ...[...words].filter(([, seconds]) => seconds.length > 0).map(([first, seconds]) =>
      `complete -c ${program} -f -n "__fish_seen_subcommand_from ${first}; and test (count ` +
      `(commandline -opc)) -eq 2" -a "${seconds.join(" ")}"`
    ),
    ...OPTIONS.map((option) => `complete -c ${program} -l ${option.slice(2)}`),
  ].join("\n");
}
