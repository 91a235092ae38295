import { constants } from "node:os";
import { posix } from "node:path";
import type { ImageConfig } from "#api/engine";
import { parseHealthcheck } from "./healthcheck.ts";
import { type Instruction, invalidChange, parseInstructions, parseJsonStrings } from "./instructions.ts";
import { parseExposedPorts } from "./ports.ts";
import { expandWord, splitWords, type Variables } from "./words.ts";

const SHELL = ["/bin/sh", "-c"];
/** Signals that only have numbers relative to two names. */
const REALTIME_SIGNAL = /^RT(MIN(\+([1-9]|1[0-5]))?|MAX(-([1-9]|1[0-4]))?)$/;

type Apply = (config: ImageConfig, instruction: Instruction) => void;

const VERBS: Readonly<Record<string, Apply>> = {
  CMD: (config, { rest }) => setCommand(config, "Cmd", parseJsonStrings(rest) ?? shellCommand(rest)),
  ENTRYPOINT: (config, { rest }) =>
    setCommand(config, "Entrypoint", parseJsonStrings(rest) ?? (rest === "" ? [] : shellCommand(rest))),
  ENV: addEnvironment,
  EXPOSE: exposePorts,
  HEALTHCHECK: (config, instruction) => {
    config.Healthcheck = parseHealthcheck(instruction);
  },
  LABEL: (config, instruction) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(config, instruction)) };
  },
  ONBUILD: addTrigger,
  STOPSIGNAL: setStopSignal,
  USER: (config, instruction) => {
    config.User = onlyArgument(config, instruction);
  },
  VOLUME: addVolumes,
  WORKDIR: (config, instruction) => {
    config.WorkingDir = posix.resolve(config.WorkingDir ?? "/", onlyArgument(config, instruction));
  },
};

/**
 * The config that Dockerfile instructions make of an empty one (`docker import --change`), or of the one that is given.
 *
 * @throws `invalid-parameter` with dockerd's texts
 */
export function applyChanges(changes: readonly string[], base: ImageConfig = {}): ImageConfig {
  const config: ImageConfig = { ...base };
  if (changes.length === 0) return config;
  let hasCommand = false;
  for (const instruction of parseInstructions(changes.join("\n"))) {
    const [flag] = instruction.flags.keys();
    if (flag !== undefined && instruction.name !== "HEALTHCHECK") throw invalidChange(`unknown flag: --${flag}`);
    VERBS[instruction.name]?.(config, instruction);
    // A command that came with the base was meant for its entrypoint.
    if (instruction.name === "CMD") hasCommand = true;
    else if (instruction.name === "ENTRYPOINT" && !hasCommand) delete config.Cmd;
  }
  return config;
}

function shellCommand(text: string): string[] {
  return text === "" ? SHELL : [...SHELL, text];
}

function setCommand(config: ImageConfig, field: "Cmd" | "Entrypoint", command: string[]): void {
  if (command.length > 0) config[field] = command;
  else delete config[field];
}

function addEnvironment(config: ImageConfig, instruction: Instruction): void {
  for (const [name, value] of pairs(config, instruction)) {
    const others = (config.Env ?? []).filter((entry) => !entry.startsWith(`${name}=`));
    config.Env = [...others, `${name}=${value}`];
  }
}

/** `NAME=value …` or, older, `NAME value` with all the rest as value. Variables have their values from before. */
function pairs(config: ImageConfig, { name, rest }: Instruction): [string, string][] {
  const variables = variablesOf(config);
  const words = splitWords(rest);
  const [first] = words;
  if (first === undefined) throw invalidChange(`${name} requires at least one argument`);
  if (!first.includes("=")) {
    const value = rest.slice(first.length).trim();
    if (value === "") throw invalidChange(`${name} must have two arguments`);
    return [[expandWord(first, variables), expandWord(value, variables)]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0) throw invalidChange(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    const key = expandWord(word.slice(0, equals), variables);
    if (key === "") throw invalidChange(`${name} names can not be blank`);
    return [key, expandWord(word.slice(equals + 1), variables)];
  });
}

function exposePorts(config: ImageConfig, instruction: Instruction): void {
  const words = argumentsOf(config, instruction).filter((word) => word !== "");
  const ports = words.flatMap(parseExposedPorts).map((port): [string, Record<string, never>] => [port, {}]);
  config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports) };
}

function addVolumes(config: ImageConfig, instruction: Instruction): void {
  for (const path of argumentsOf(config, instruction)) {
    if (path.trim() === "") throw invalidChange("VOLUME specified can not be an empty string");
    config.Volumes = { ...config.Volumes, [path.trim()]: {} };
  }
}

function addTrigger(config: ImageConfig, { rest }: Instruction): void {
  const trigger = rest.split(/\s/, 1)[0]?.toUpperCase() ?? "";
  if (trigger === "") throw invalidChange("ONBUILD requires at least one argument");
  if (trigger === "ONBUILD") throw invalidChange("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === "MAINTAINER" || trigger === "FROM") {
    throw invalidChange(`${trigger} isn't allowed as an ONBUILD trigger`);
  }
  config.OnBuild = [...(config.OnBuild ?? []), rest];
}

function setStopSignal(config: ImageConfig, instruction: Instruction): void {
  const signal = onlyArgument(config, instruction);
  const name = signal.toUpperCase().replace(/^SIG/, "");
  const isKnown = Object.hasOwn(constants.signals, `SIG${name}`) || REALTIME_SIGNAL.test(name);
  if (!isKnown && !/^[1-9][0-9]{0,8}$/.test(signal)) throw invalidChange(`invalid signal: ${signal}`);
  config.StopSignal = signal;
}

/** The rest of the line is one argument, blanks included. */
function onlyArgument(config: ImageConfig, { name, rest }: Instruction): string {
  if (rest === "") throw invalidChange(`${name} requires exactly one argument`);
  return expandWord(rest, variablesOf(config));
}

function argumentsOf(config: ImageConfig, { name, rest }: Instruction): string[] {
  const words = parseJsonStrings(rest) ?? splitWords(rest);
  if (words.length === 0) throw invalidChange(`${name} requires at least one argument`);
  return words.map((word) => expandWord(word, variablesOf(config)));
}

function variablesOf(config: ImageConfig): Variables {
  return new Map(
    (config.Env ?? []).map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
