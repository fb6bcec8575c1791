/** What a lab may have besides the cloud itself. `storage` is for servers on the node, so it brings the node. */
export const extras = ['ceph', 'node', 'storage'] as const;

export type Extra = (typeof extras)[number];

/** Reads `--with node,ceph` and `--with node --with ceph`; nothing when the words are written otherwise. */
export function parseWith(words: readonly string[]): ReadonlySet<Extra> | undefined {
  const wanted = new Set<Extra>();
  for (let at = 0; at < words.length; at += 2) {
    const [option, list] = words.slice(at, at + 2);
    if (option !== '--with' || list === undefined) return undefined;
    for (const name of list.split(',')) {
      const extra = extras.find((each) => each === name);
      if (extra === undefined) return undefined;
      wanted.add(extra);
    }
  }
  return wanted;
}
