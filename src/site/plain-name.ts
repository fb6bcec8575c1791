/** Names of pools, users, images, snapshots, volume groups: what may stand in an argv as one. It begins with no dash. */
export const PLAIN_NAME = /^[A-Za-z0-9_][\w.+-]*$/;
