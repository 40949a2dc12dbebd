/** A password's hash as RabbitMQ writes it: a random salt and SHA-256 of it and the password. */
export async function hashRabbitmqPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(4));
  const salted = new Uint8Array([...salt, ...new TextEncoder().encode(password)]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", salted));
  return btoa(String.fromCharCode(...salt, ...hash));
}
