declare module 'bufferutil' {
  const bufferutil: { unmask(bytes: Buffer, key: Buffer): void };
  export default bufferutil;
}
