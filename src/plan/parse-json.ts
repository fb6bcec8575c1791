/** What a text says that is to be JSON; undefined when it is none. What it has to be says a schema. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
