// Ten clients at once, each of which makes as many calls as the first argument says; standard output gets the request ids
// of those that were answered.
import { KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";

const CLIENTS = 10;
const calls = Number(process.argv[2]);
const settings = { endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION, maxAttempts: 1 };

async function call(number) {
  const isEven = number % 2 === 0;
  const client = isEven ? new KMSClient(settings) : new STSClient(settings);
  const ids = [];
  for (let at = 0; at < calls; at += 1) {
    const answer = await client.send(isEven ? new ListKeysCommand({}) : new GetCallerIdentityCommand({}));
    ids.push(answer.$metadata.requestId);
  }
  return ids;
}

const found = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => call(number)));
console.log(JSON.stringify(found.flat()));
