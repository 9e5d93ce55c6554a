/** What a WWW-Authenticate header asks for (RFC 7235 section 2.1, RFC 7616, RFC 8898). */
export interface Challenge {
  /** In lower case: "digest", "association". */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parse one challenge; null if it isn't one. Parameter names are in lower case, quotes are taken off. */
export function parseChallenge(value: string): Challenge | null {
  const scheme = /^\s*([A-Za-z][\w-]*)\s*/.exec(value);
  if (!scheme?.[1]) {
    return null;
  }
  const parameters = new Map<string, string>();
  const rest = value.slice(scheme[0].length);
  for (const match of rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g)) {
    const [, name = "", quoted, token] = match;
    parameters.set(name.toLowerCase(), quoted === undefined ? (token ?? "") : quoted.replace(/\\(.)/g, "$1"));
  }
  return { scheme: scheme[1].toLowerCase(), parameters };
}
