#!/usr/bin/env node
import { start } from './start.ts';

void start(() => import('./program.ts'));
