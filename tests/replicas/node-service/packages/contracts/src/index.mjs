export const topics = ["schedules"];
