import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/**
 * Reads Kinesis records as a consumer with the KCL does.
 *
 * <p>Standard input: a Kinesis record a line: its data in base64, and the first and the last hash key of the
 * shard that it was read from. Standard output: for each a line with the number of its user records, and a
 * line for each of those: partition key and data in base64, and the explicit hash key.
 */
public class ReadWithKcl {
  public static void main(String[] args) throws Exception {
    AggregatorUtil util = new AggregatorUtil();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] fields = line.split(" ");
      KinesisClientRecord record =
          KinesisClientRecord.builder()
              .partitionKey("outer")
              .sequenceNumber("1")
              .data(ByteBuffer.wrap(Base64.getDecoder().decode(fields[0])))
              .build();
      BigInteger first = new BigInteger(fields[1]);
      BigInteger last = new BigInteger(fields[2]);
      List<KinesisClientRecord> read = util.deaggregate(List.of(record), first, last);
      System.out.println(read.size());
      for (KinesisClientRecord user : read) {
        byte[] data = new byte[user.data().remaining()];
        user.data().get(data);
        byte[] partitionKey = user.partitionKey().getBytes(StandardCharsets.UTF_8);
        Base64.Encoder base64 = Base64.getEncoder();
        String hashKey = user.explicitHashKey() == null ? "" : user.explicitHashKey();
        System.out.println(
            base64.encodeToString(partitionKey) + " " + base64.encodeToString(data) + " " + hashKey);
      }
    }
  }
}
