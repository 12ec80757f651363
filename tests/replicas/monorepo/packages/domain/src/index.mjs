/** Jobs that are due. */
export const due = (jobs, now) => jobs.filter((job) => job.at <= now);
