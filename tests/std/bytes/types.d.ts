export declare function concat(buffers: Iterable<Uint8Array>): Uint8Array<ArrayBuffer>;
export declare function copy(source: Uint8Array, target: Uint8Array, offset?: number): number;
export declare function endsWith(source: Uint8Array, suffix: Uint8Array): boolean;
export declare function equals(a: Uint8Array, b: Uint8Array): boolean;
export declare function indexOfNeedle(
  source: Uint8Array,
  needle: Uint8Array,
  start?: number,
): number;
