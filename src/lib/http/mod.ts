/** An HTTP/1.1 server whose handlers see values, never sockets. */
export type { Limits } from "./limits.ts";
export { HttpError, type HttpHandler, type HttpRequest, type HttpResponse } from "./message.ts";
export { HttpServer, type HttpServerOptions, type ListenAddress, type TlsOptions } from "./server.ts";
export { WebSocketStream, websocketHeaders } from "./websocket.ts";
