import { describe, expect, test } from "vitest";
import { Intrinsics } from "../../local/template/intrinsics.ts";

const resources = {
  Stream: { Type: "AWS::Kinesis::Stream", Properties: {} },
  Named: {
    Type: "AWS::Kinesis::Stream",
    Properties: { Name: { "Fn::Join": ["-", ["a", { Ref: "AWS::Region" }]] } },
  },
  Lake: { Type: "AWS::S3::Bucket", Properties: {} },
  Table: { Type: "AWS::DynamoDB::Table", Properties: {} },
};
const intrinsics = new Intrinsics(resources, {
  account: "111122223333",
  region: "eu-west-1",
  stackName: "Weir",
});
const resolve = (value: unknown): unknown => intrinsics.resolve(value, "Here.Property");

test("plain values stay as they are, at any depth", () => {
  const value = { a: [1, true, null, { b: "Ref", c: {} }], Ref: "x", other: 1 };
  expect(resolve(value)).toEqual(value);
});

describe("each function gives what CloudFormation would", () => {
  test.each<[unknown, unknown]>([
    [{ Ref: "Stream" }, "Stream"],
    [{ Ref: "Named" }, "a-eu-west-1"],
    [{ Ref: "Lake" }, "lake"],
    [{ Ref: "AWS::AccountId" }, "111122223333"],
    [{ "Fn::GetAtt": ["Stream", "Arn"] }, "arn:aws:kinesis:eu-west-1:111122223333:stream/Stream"],
    [{ "Fn::GetAtt": "Named.Arn" }, "arn:aws:kinesis:eu-west-1:111122223333:stream/a-eu-west-1"],
    [{ "Fn::Join": [":", ["a", { Ref: "Lake" }, 3]] }, "a:lake:3"],
    [{ "Fn::Select": ["1", ["a", { Ref: "Lake" }]] }, "lake"],
    [
      { "Fn::Split": ["/", { "Fn::GetAtt": ["Stream", "Arn"] }] },
      ["arn:aws:kinesis:eu-west-1:111122223333:stream", "Stream"],
    ],
    [
      { "Fn::Select": [2, { "Fn::Split": ["/", { Ref: "AWS::StackId" }] }] },
      "00000000-0000-0000-0000-000000000000",
    ],
    [
      { "Fn::Sub": "${AWS::Region}/${Lake}/${Stream.Arn}/${!Kept}" },
      "eu-west-1/lake/arn:aws:kinesis:eu-west-1:111122223333:stream/Stream/${Kept}",
    ],
    [{ "Fn::Sub": ["${x}-${AWS::Partition}", { x: { Ref: "Lake" } }] }, "lake-aws"],
    [
      [1, { Ref: "AWS::NoValue" }, 2],
      [1, 2],
    ],
    [{ kept: 1, dropped: { Ref: "AWS::NoValue" } }, { kept: 1 }],
  ])("%j", (value, expected) => {
    expect(resolve(value)).toEqual(expected);
  });
});

describe("what has no local meaning is an error at its place", () => {
  test.each<[unknown, string]>([
    [{ "Fn::ImportValue": "x" }, "Here.Property: Fn::ImportValue"],
    [{ a: [{ "Fn::If": ["c", 1, 2] }] }, "Here.Property.a[0]: Fn::If"],
    [{ Ref: "Nowhere" }, 'Here.Property: "Nowhere" has no local name'],
    [{ Ref: "AWS::NotificationARNs" }, "AWS::NotificationARNs"],
    [{ Ref: "Table" }, "Here.Property: Table, an AWS::DynamoDB::Table, has no local name"],
    [{ "Fn::GetAtt": ["Lake", "DomainName"] }, "Here.Property: Lake has no local attribute DomainName"],
    [{ "Fn::Select": [5, ["a"]] }, "Here.Property: no item 5 in a list of 1"],
    [{ "Fn::Join": ["", "text"] }, "is not a list"],
    [{ "Fn::Join": ["", [{ a: 1 }]] }, "is not a text"],
    [{ "Fn::Split": ["/"] }, "is not a pair"],
    [{ "Fn::Sub": "${Table}" }, "has no local name"],
  ])("%j", (value, message) => {
    const failing = (): unknown => resolve(value);
    expect(failing).toThrow(expect.objectContaining({ code: "UNRESOLVABLE" }));
    expect(failing).toThrow(message);
  });
});
