/** A delete that the real nova-compute cannot do either, or that the simulated one was not taught. Says which. */
export class DeleteFailure extends Error {}
