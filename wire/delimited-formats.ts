/** Formats of values with a delimiter between them, by the names of their fields in order. */
export const DELIMITED_FORMATS = {
  /** source: standard logs of CloudFront, version 33 of its fields, read 2026-11 */
  cloudfront: {
    delimiter: "\t",
    fields:
      "date time x_edge_location sc_bytes c_ip cs_method cs_host cs_uri_stem sc_status cs_referer cs_user_agent cs_uri_query cs_cookie x_edge_result_type x_edge_request_id x_host_header cs_protocol cs_bytes time_taken x_forwarded_for ssl_protocol ssl_cipher x_edge_response_result_type cs_protocol_version fle_status fle_encrypted_fields c_port time_to_first_byte x_edge_detailed_result_type sc_content_type sc_content_len sc_range_start sc_range_end",
  },
  /** source: VPC flow log records, version 2, the default, read 2026-11 */
  "vpc-flow": {
    delimiter: " ",
    fields:
      "version account_id interface_id srcaddr dstaddr srcport dstport protocol packets bytes start end action log_status",
  },
} as const;

export type DelimitedFormat = keyof typeof DELIMITED_FORMATS;
