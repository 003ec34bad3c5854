import * as z from "zod";
import { apacheFormat } from "./access-log/apache.ts";
import { ACCESS_FORMATS, type AccessFormat, type AccessFormatName } from "./access-log/format.ts";
import { nginxFormat } from "./access-log/nginx.ts";
import { within } from "./wrapper.ts";

const accessSettings = {
  ...within,
  spacesInUser: z
    .boolean()
    .default(false)
    .meta({
      description:
        "a user's name may be several words, of which the first begins with a letter; otherwise such a line " +
        "is rejected, since it may as well be of a format with another field before the time",
    }),
  escapes: z.enum(["keep", "decode"]).optional().meta({
    description:
      '`keep` is meant if absent; `decode` gives the texts that the server has escaped: `\\"`, `\\\\`, `\\n`, and `\\xhh` where it is UTF-8',
  }),
  trailing: z
    .enum(["reject", "keep"])
    .optional()
    .meta({
      description:
        "`reject` is meant if absent, but for `alb` and `s3-access`, which grow; `keep` takes lines with more behind " +
        "the last field, such as times taken, as field `trailing`, which goes to _extra where no column takes it",
    }),
} as const;

const ACCESS_FORMAT_NAMES = Object.keys(ACCESS_FORMATS) as [AccessFormatName, ...AccessFormatName[]];

export const accessPreset = z.strictObject({ format: z.enum(ACCESS_FORMAT_NAMES), ...accessSettings }).meta({
  description:
    "an access log of a web server. All give host, user, time, method, path, protocol, status and bytes. " +
    "`common` and `combined` (Apache's, and nginx's default) also give ident; all but `common` give referer " +
    "and agent; `vhost_combined` (Apache on Debian) gives vhost and port, which stand first; `nginx-main` (the " +
    "log_format main of nginx's packages) gives x_forwarded_for, which stands last; `lighttpd` gives vhost in " +
    "the place of ident. `alb` and `s3-access`, of Amazon's load balancers and of S3, have fields of their own, called " +
    "as AWS does. A request that is not `METHOD path PROTOCOL` is one field, request",
});

const COMPILERS = { nginx: nginxFormat, apache: apacheFormat } as const;

const accessTemplate = <Server extends keyof typeof COMPILERS>(server: Server, description: string) =>
  z
    .strictObject({ format: z.literal(server), logFormat: z.string().min(1), ...accessSettings })
    .superRefine(({ logFormat }, context) => {
      try {
        COMPILERS[server](logFormat);
      } catch (error) {
        context.addIssue({ code: "custom", path: ["logFormat"], message: (error as Error).message });
      }
    })
    .meta({ description });

export const nginx = accessTemplate(
  "nginx",
  "an access log of nginx. logFormat is the string of its log_format, or the whole directive. Fields are called as the " +
    "variables, without the $; $request gives method, path and protocol, or request where it is no such thing",
);
export const apache = accessTemplate(
  "apache",
  "an access log of Apache. logFormat is the string of its LogFormat, or the whole directive. Fields are called as in " +
    "`combined` where it has them; headers of requests by their names (x_forwarded_for), of responses with response_, " +
    "cookies with cookie_ before them; %D is duration_us, %T duration_s, %I bytes_received, %O bytes_sent, %v vhost, " +
    "%p port",
);

/** A parser of access logs. */
export type AccessParse = z.output<typeof accessPreset> | z.output<typeof nginx> | z.output<typeof apache>;

/** @returns undefined for a parser of something else */
export function accessFormatOf(parser: { readonly format: string } | AccessParse): AccessFormat | undefined {
  if ("logFormat" in parser) return COMPILERS[parser.format](parser.logFormat);
  return Object.hasOwn(ACCESS_FORMATS, parser.format)
    ? ACCESS_FORMATS[parser.format as AccessFormatName]
    : undefined;
}
