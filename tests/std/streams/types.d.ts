export declare class TextLineStream extends TransformStream<string, string> {
  constructor(options?: { allowCR?: boolean });
}
export declare function toText(
  stream: ReadableStream<string | Uint8Array>,
): Promise<string>;
