import { assertEquals } from "@std/assert";
import { Atom, prettyTerm, type Term, Tuple } from "../../broker/cli/rabbitmqctl/erlang_pretty.ts";

const property = (name: string, ...rest: Term[]) => new Tuple(new Atom(name), ...rest);
const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`);

/** Lines as Erlang 25's `io:format("~p")` breaks them. */
const CASES: readonly (readonly [title: string, term: Term, lines: readonly string[]])[] = [
  ["what fits is one line", [1, new Tuple("a", 1.5, true)], ['[1,{<<"a">>,1.5,true}]']],
  ["atoms that are no words are quoted", [new Atom("n@h"), new Atom("a-b"), new Atom("")], [
    "[n@h,'a-b','']",
  ]],
  ["text of Latin-1 is text, in octets", ["über", "☃", "", 'a"\\\n'], [
    '[<<"Ã¼ber">>,<<226,152,131>>,<<>>,<<"a\\"\\\\\\n">>]',
  ]],
  ["each part of a long list has its line", [words(3), words(9)], [
    '[[<<"word0">>,<<"word1">>,<<"word2">>],',
    ' [<<"word0">>,<<"word1">>,<<"word2">>,<<"word3">>,<<"word4">>,<<"word5">>,',
    '  <<"word6">>,<<"word7">>,<<"word8">>]]',
  ]],
  ["the rest of a property stays behind its name", [property("arguments", words(6)), 1], [
    '[{arguments,[<<"word0">>,<<"word1">>,<<"word2">>,<<"word3">>,<<"word4">>,',
    '             <<"word5">>]},',
    " 1]",
  ]],
  [
    "unless that is too far to the right",
    [property("a_name_as_long_as_this_one_is_has_no_room", words(6)), property("desc", 2)],
    [
      "[{a_name_as_long_as_this_one_is_has_no_room,",
      '     [<<"word0">>,<<"word1">>,<<"word2">>,<<"word3">>,<<"word4">>,',
      '      <<"word5">>]},',
      " {desc,2}]",
    ],
  ],
];

for (const [title, term, lines] of CASES) {
  Deno.test(`Erlang's terms: ${title}`, () => {
    assertEquals(prettyTerm(term).split("\n"), lines);
  });
}
