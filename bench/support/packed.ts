// The library as it is published (`npm run build` puts it there), not as the modules that the tests run on.
const place = new URL('../../package/index.js', import.meta.url);

export const { dial, serve } = (await import(place.href)) as typeof import('ants-ws');
