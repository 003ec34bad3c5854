import * as z from "zod";

/** Numbers of users and groups take 32 bits. */
export const UID_MAX = 2 ** 32 - 1;

/** Who may use a Unix socket: the settings of every part that listens on one. */
export const socketSettings = {
  unix_mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'octal, such as "0660"')
    .optional()
    .meta({
      description:
        'permissions of the Unix socket in octal, such as "0660"; who may write to it may use it. Absent, what the umask leaves',
    }),
  unix_group: z
    .union([z.string().min(1), z.int().min(0)])
    .optional()
    .meta({ description: "group of the Unix socket, by name or number; the agent must be a member of it" }),
};

/** Who may use a Unix socket, as configured. */
export interface SocketAccess {
  readonly unix_mode?: string | undefined;
  readonly unix_group?: string | number | undefined;
}
