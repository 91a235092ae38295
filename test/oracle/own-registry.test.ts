/** A real Docker Engine with tug as its registry. */
import { dockerClientSuite } from "../engine/_registry-clients.ts";
import { namespaceOf } from "./_registries.ts";

const socket = process.env.TUG_TEST_ORACLE ?? "";
dockerClientSuite("dockerd", () => ({ host: `unix://${socket}`, namespace: namespaceOf(socket) }));
