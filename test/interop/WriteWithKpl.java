import com.google.common.util.concurrent.ListenableFuture;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/**
 * Puts user records into a stream as a program with the KPL does.
 *
 * <pre>java WriteWithKpl.java PORT STREAM FOLDER</pre>
 *
 * Standard input: a user record a line, fields divided by spaces: partition key and data in base64, and the
 * explicit hash key where there is one. FOLDER is where the KPL unpacks its own program.
 */
public class WriteWithKpl {
  private static final int SHARDS_LISTED_MS = 2_000;

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    KinesisProducer producer =
        new KinesisProducer(
            new KinesisProducerConfiguration()
                .setRegion("us-east-1")
                .setCredentialsProvider(
                    StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .setKinesisEndpoint("127.0.0.1")
                .setKinesisPort(port)
                .setStsEndpoint("127.0.0.1")
                .setStsPort(port)
                .setCloudwatchEndpoint("127.0.0.1")
                .setCloudwatchPort(port)
                .setMetricsLevel("none")
                .setVerifyCertificate(false)
                .setTempDirectory(args[2]));
    // Before it has listed the shards, the KPL sends every user record by itself.
    ByteBuffer first = ByteBuffer.wrap("first".getBytes(StandardCharsets.US_ASCII));
    producer.addUserRecord(args[1], "first", first).get();
    Thread.sleep(SHARDS_LISTED_MS);
    List<ListenableFuture<UserRecordResult>> results = new ArrayList<>();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] fields = line.split(" ", -1);
      String partitionKey = new String(Base64.getDecoder().decode(fields[0]), StandardCharsets.UTF_8);
      ByteBuffer data = ByteBuffer.wrap(Base64.getDecoder().decode(fields[1]));
      String explicitHashKey = fields[2].isEmpty() ? null : fields[2];
      results.add(producer.addUserRecord(args[1], partitionKey, explicitHashKey, data));
    }
    producer.flushSync();
    for (ListenableFuture<UserRecordResult> result : results) {
      if (!result.get().isSuccessful()) throw new IllegalStateException("a record was not put");
    }
    producer.destroy();
    System.exit(0);
  }
}
