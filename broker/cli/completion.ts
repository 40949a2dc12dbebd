import { type Known, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";

/** Shells that it is made for. */
const SHELLS = ["bash", "zsh", "fish"] as const;

const USAGE = `Usage: deno run -A broker/main.ts completion ${SHELLS.join("|")} [NAME]

Prints a script by which a shell completes the commands of a program called NAME (default: warren),
such as an alias of this one:

  eval "$(warren completion bash)"
  source <(warren completion zsh)
  warren completion fish | source`;

/** What may follow a command, by its names. */
interface Group {
  readonly names: string[];
  readonly flags: readonly string[];
  readonly options: readonly string[];
}

/** What is completed. */
export interface Completed {
  /** The program's own commands: of one word, or of two. */
  readonly commands: ReadonlyMap<string, Pick<Command, "known">>;
  /** Those of rabbitmqctl, with all that each of them takes. */
  readonly ctlCommands: ReadonlyMap<string, Known>;
  /** What rabbitmqctl takes before it is told a command. */
  readonly ctl: Known;
}

/** Makes `completion`: a script for a shell. */
export function completionOf(completed: () => Completed): Command {
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
      const { commands, ctlCommands, ctl } = completed();
      const words = new Map<string, string[]>();
      for (const name of [...commands.keys(), ...ctlCommands.keys()]) {
        const [first = "", second] = name.split(" ");
        words.set(first, [...words.get(first) ?? [], ...second === undefined ? [] : [second]]);
      }
      words.set(CTL, [...ctlCommands.keys()]);
      const groups = groupsOf([
        ...[...commands].map(([name, { known }]) => [name, known ?? NOTHING] as const),
        ...ctlCommands,
        // in the place of a command
        [CTL, ctl],
      ]);
      terminal.say(
        shell === "fish"
          ? fish(program, words, groups)
          : bash(program, words, groups, shell === "zsh"),
      );
      return Promise.resolve(0);
    },
  };
}

/** The command that has all of rabbitmqctl's behind it, and the one that is meant without a name. */
const [CTL, SERVE] = ["rabbitmqctl", "serve"];
const NOTHING: Known = { flags: [], options: [] };

/** Commands that take the same stand together. */
function groupsOf(commands: readonly (readonly [name: string, known: Known])[]): Group[] {
  const groups = new Map<string, Group>();
  for (const [name, { flags, options }] of new Map(commands)) {
    const all = [...new Set(["help", ...flags])];
    const key = JSON.stringify([all, options]);
    const group = groups.get(key) ?? { names: [], flags: all, options };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
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
  groups: readonly Group[],
  zsh: boolean,
): string {
  const cases = [...words].filter(([, seconds]) => seconds.length > 0)
    .map(([first, seconds]) => `    ${first}) words="${seconds.join(" ")}" ;;`);
  const name = `_${program.replace(/\W/g, "_")}`;
  const options = groups.map(({ names, flags, options }) =>
    `        ${names.map((one) => `"${one}"`).join("|")}) ` +
    `words="${[...flags, ...options].map((one) => `--${one}`).join(" ")}" ;;`
  );
  return [
    ...zsh ? ZSH : [],
    `${name}() {`,
    '  local current="${COMP_WORDS[COMP_CWORD]}" words="" at=1 other command',
    '  if [[ "$current" == -* ]]; then',
    `    other=${SERVE}`,
    `    if [[ "\${COMP_WORDS[1]}" == ${CTL} ]]; then at=2 other=${CTL}; fi`,
    '    local first="${COMP_WORDS[at]}" second="${COMP_WORDS[at + 1]}"',
    '    if [[ "$first" == -* ]]; then first="$other"; fi',
    '    for command in "$first $second" "${first}_$second" "$first"; do',
    '      case "$command" in',
    ...options,
    "      esac",
    '      if [[ -n "$words" ]]; then break; fi',
    "    done",
    '    if [[ -z "$words" ]]; then words="--help"; fi',
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

function fish(
  program: string,
  words: ReadonlyMap<string, readonly string[]>,
  groups: readonly Group[],
): string {
  const group = `__${program.replace(/\W/g, "_")}_group`;
  return [
    `complete -c ${program} -f -n __fish_use_subcommand -a "${[...words.keys()].join(" ")}"`,
    ...[...words].filter(([, seconds]) => seconds.length > 0).map(([first, seconds]) =>
      `complete -c ${program} -f -n "__fish_seen_subcommand_from ${first}; and test (count ` +
      `(commandline -opc)) -eq 2" -a "${seconds.join(" ")}"`
    ),
    `function ${group}`,
    "  set -l words (commandline -opc)[2..-1]",
    `  set -l other ${SERVE}`,
    `  if test "$words[1]" = ${CTL}`,
    "    set words $words[2..-1]",
    `    set other ${CTL}`,
    "  end",
    '  set -l first "$words[1]"',
    '  if test -z "$first"; or string match -q -- "-*" "$first"',
    "    set first $other",
    "  end",
    '  for command in "$first $words[2]" "$first"_"$words[2]" "$first"',
    '    switch "$command"',
    ...groups.flatMap(({ names }, index) => [
      `      case ${names.map((name) => `"${name}"`).join(" ")}`,
      `        echo ${index}`,
      "        return",
    ]),
    "    end",
    "  end",
    "  echo none",
    "end",
    ...groups.flatMap(({ flags, options }, index) =>
      [...flags.map((flag) => [flag, ""]), ...options.map((option) => [option, " -r"])]
        .map(([name, more]) =>
          `complete -c ${program} -n "test (${group}) = ${index}" -l ${name}${more}`
        )
    ),
  ].join("\n");
}
