/**
 * Makes one file of a script and the Node that runs it, the same bytes for the same two.
 *
 * @param bundle a CommonJS file
 * @param node of any platform, and of this process' version
 */
export declare function makeExecutable(bundle: string, node: string, platform: string, outfile: string): void;
/** What Node finds in itself: the script and how to run it. @returns its path in `folder` */
export declare function makeBlob(bundle: string, platform: string, folder: string): string;
