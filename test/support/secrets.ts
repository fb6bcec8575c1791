/** Secrets that nobody may find again, and the forms in which text could carry them. */

/** A secret whose every form differs from its plain one. */
export function canary(name: string): string {
  return `c4n@ry/${name}+pa$$:w%rd`;
}

/** As it is, and as URLs, JSON, hex and base64 carry it, the last also in the midst of other bytes. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const within = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // What stands at the borders depends on the neighbours.
    const middle = text.slice(shift === 0 ? 0 : 4, text.length - 4);
    return [middle, middle.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const percent = encodeURIComponent(secret);
  return [
    ...new Set([
      secret,
      percent,
      percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      JSON.stringify(secret).slice(1, -1),
      bytes.toString('hex'),
      ...within,
    ]),
  ];
}

/** The secrets that a text holds, each with the form in which it does. */
export function findSecrets(text: string, secrets: readonly string[]): readonly string[] {
  return secrets.flatMap((secret) =>
    formsOf(secret)
      .filter((form) => text.includes(form))
      .map((form) => `${secret} as ${form}`),
  );
}
