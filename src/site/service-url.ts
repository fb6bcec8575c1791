/** What the URLs of databases and message buses have in common, as Nova and its libraries read them. */

/**
 * As Python's `parse_qs`, by which SQLAlchemy and oslo.messaging read it: a name without a value, as a deployment's template leaves it
 * (`ssl_ca=`), does not stand there. Tried with SQLAlchemy 1.4.46.
 */
export function parseQuery(text: string): URLSearchParams {
  return new URLSearchParams([...new URLSearchParams(text)].filter(([, value]) => value !== ''));
}

/** What a cell's URL takes from this host's own (nova 18+ `objects/cell_mapping.py:CellMapping._format_url`). */
const NAMES = /\{((?:username|password|hostname|port)\d*|scheme|path|query|fragment)\}/g;

/** Whether a URL has a name of Nova's in braces. Other braces are some password's, and stay. */
export function isTemplate(url: string): boolean {
  return url.search(NAMES) >= 0;
}

/**
 * Puts in what stands for each name. Of an IPv6 address Nova's `{hostname}` has no brackets, so templates write them (`[{hostname}]`); here
 * the part brings them with it.
 *
 * @param partFor undefined: there is none, and the name stays
 */
export function fillNames(template: string, partFor: (name: string) => string | undefined): string {
  return template
    .replaceAll(/\[(\{hostname\d*\})\]/g, '$1')
    .replaceAll(NAMES, (whole, name: string) => partFor(name) ?? whole);
}
