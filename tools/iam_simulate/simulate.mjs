// Reads one simulation (JSON) a line, and writes what the program decides about each.
import { createInterface } from "node:readline";
import { runSimulation } from "@cloud-copilot/iam-simulate";

for await (const line of createInterface({ input: process.stdin })) {
  const found = await runSimulation(JSON.parse(line), { simulationMode: "Strict" });
  console.log(found.resultType === "error" ? `error:${JSON.stringify(found.errors).replaceAll(" ", "_")}` : found.overallResult);
}
