export { placeOf } from "../commit-log/log-place.ts";
