/** `true` when the two types are the same, not only assignable to each other: `any` equals nothing but `any`. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles when its type argument is `true`. */
export function expectType<_ extends true>(): void {}
