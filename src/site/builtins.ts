/**
 * Modules of Node that are slow to load, and that a command may not need at all: a cloud that speaks no TLS, an embedded one, `--help`.
 * An import of node:http would read all that it exports, a WebSocket among it, and so load all of undici: 50 ms at every start.
 */
export const http = () => process.getBuiltinModule('node:http');
export const https = () => process.getBuiltinModule('node:https');
export const net = () => process.getBuiltinModule('node:net');
export const childProcess = () => process.getBuiltinModule('node:child_process');
