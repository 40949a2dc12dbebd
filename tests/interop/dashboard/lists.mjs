/** Looks at all lists, with something in each. */

import { connect, walk } from "./support.mjs";

const VHOST = "dashboard lists";

await walk(VHOST, async (visitor) => {
  const { connection, channel } = await connect(VHOST);
  await channel.assertQueue("one");
  await channel.consume("one", () => {});
  await lookAround(visitor);
  await connection.close();
});

/** All lists. */
async function lookAround(visitor) {
  const { page } = visitor;
  const lists = ["Queues", "Exchanges", "Connections", "Channels", "Virtual hosts", "Users"];
  for (const title of lists) {
    await visitor.visit(title);
    await page.getByRole("rowheader").first().waitFor();
    await visitor.inspect(title.toLowerCase().replace(" ", "-"));
  }
  await page.getByRole("link", { name: "guest", exact: true }).click();
  await page.getByRole("link", { name: VHOST }).waitFor();
  await visitor.inspect("user");
  await visitor.visit("Trace");
  await visitor.inspect("trace-idle");
}
