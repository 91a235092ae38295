import type { ContainerID } from "./container.ts";
import { invalidName } from "./errors.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const ID_BYTES = 32;
/** Names tried without a digit, then with one, before the ID has to serve. */
const TRIES_BARE = 4;
const TRIES = 6;

const ADJECTIVES = (
  "able agile airy alert amber ample apt arctic astute azure balmy bold brave breezy bright brisk calm candid careful clever " +
  "crisp curious daring dapper deft eager earnest easy epic fair fast fine fleet fond frank free fresh gentle glad golden " +
  "grand happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mighty mild modest neat nimble noble " +
  "open patient plucky polite proud prudent quick quiet rapid ready robust rosy rustic sage sharp silent silver sleek smart " +
  "snug solid spry steady still stoic sturdy sunny swift tidy tender trusty upbeat urban valiant vivid warm wise witty zesty"
).split(" ");

/** People who moved ships, machines or ideas. */
const SURNAMES = (
  "abel agnesi alhazen ampere anning archimedes avicenna babbage banneker bartik bell bernoulli bessel bhabha bohr boole bose " +
  "brahe brunel cannon carson cauchy cayley clarke codd cori curie dalton darwin davinci dirac drake earhart edison einstein " +
  "elion engelbart eratosthenes euclid euler faraday fermat fermi feynman fourier franklin galileo galois gauss germain goodall " +
  "hamilton heaviside hertz hopper huygens hypatia jackson joule kalam kepler kilby knuth kovalevskaya lamarr laplace leavitt " +
  "lovelace maxwell mayer meitner mendel mendeleev mirzakhani napier neumann newton nightingale noether ohm pascal pasteur " +
  "perlman planck poincare ptolemy raman ramanujan ride ritchie sagan shannon shockley somerville stevenson tesla thompson " +
  "torvalds turing volta watt wiles wright wu yalow yonath zuse"
).split(" ");

/** Random bytes and numbers, so that tests can foresee them. */
export interface Randomness {
  bytes(count: number): Uint8Array;
}

/** Without the slash that Docker's clients may put in front. @throws `invalid-parameter` */
export function parseName(text: string): string {
  const name = text.startsWith("/") ? text.slice(1) : text;
  if (!NAME.test(name)) throw invalidName(text);
  return name;
}

/** 64 hex digits, of which the first twelve are not all decimal: hosts named by them would look like numbers. */
export function newID(random: Randomness): ContainerID {
  for (;;) {
    const id = Buffer.from(random.bytes(ID_BYTES)).toString("hex");
    if (!/^\d{12}/.test(id)) return id as ContainerID;
  }
}

/** A free name nobody had to think of: `brisk_lovelace`, then `brisk_lovelace7`, then the short ID. */
export function inventName(id: ContainerID, random: Randomness, isFree: (name: string) => boolean): string {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [first = 0, second = 0, digit = 0] = random.bytes(3);
    const bare = `${ADJECTIVES[first % ADJECTIVES.length]}_${SURNAMES[second % SURNAMES.length]}`;
    const name = attempt < TRIES_BARE ? bare : `${bare}${digit % 10}`;
    if (isFree(name)) return name;
  }
  return id.slice(0, 12);
}
