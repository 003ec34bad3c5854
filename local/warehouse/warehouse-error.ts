/** Why the local warehouse could not come up. */
export type WarehouseErrorCode =
  | "NO_BINARIES" //        no PostgreSQL for this platform among the installed packages
  | "NO_PLAIN_USER" //      root, and nobody else to run PostgreSQL as
  | "FOREIGN_FOLDER" //     somebody else has made the folder that PostgreSQL would be in
  | "INITDB" //             the data folder could not be made
  | "POSTGRES_START" //     PostgreSQL did not start on it
  | "DIALECT"; //           what Redshift has and PostgreSQL lacks could not be set up

/** The part that failed, with its own words as the hint. */
export class WarehouseError extends Error {
  override name = "WarehouseError";
  readonly code: WarehouseErrorCode;
  readonly hint: string;

  constructor(code: WarehouseErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(`${message}: ${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}

/** What Redshift says of a statement it could not run: the text of a sub-statement's Error. */
export class StatementError extends Error {
  override name = "StatementError";
}
