// Mocha's dot reporter, which also appends "<passed> <failed>" of its run to the file named by ANTS_COUNTS.
const { appendFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      appendFileSync(process.env.ANTS_COUNTS, `${this.stats.passes} ${this.stats.failures}\n`);
    });
  }
};
