import { fileURLToPath } from "node:url";

/** This project's directory, with a slash at the end. */
export const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
