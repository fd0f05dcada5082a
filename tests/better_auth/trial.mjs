// A frontend made of the guide's own lines, and a person who uses it. Prints what happened as one line of JSON.
//
// FRONTEND is the directory with the guide's files, WAY says which of its ways they are; BETTER_AUTH_URL and
// NEXT_PUBLIC_TODO_URL are what the guide says they are.
import { readdir, readFile, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { join, relative } from "node:path"
import { pathToFileURL } from "node:url"
import { transform } from "sucrase"

const { FRONTEND, WAY, BETTER_AUTH_URL, NEXT_PUBLIC_TODO_URL } = process.env
const PASSWORD = "correct horse battery"

/** Do for the TypeScript files what Next.js does: take the types out, and find `@/…`. */
async function build() {
  const files = (await readdir(FRONTEND, { recursive: true })).filter((name) => name.endsWith(".ts"))
  for (const name of files) {
    const { code } = transform(await readFile(join(FRONTEND, name), "utf8"), { transforms: ["typescript"] })
    const found = code.replace(/"@\/(.+?)"/g, (_, path) => JSON.stringify(pathToFileURL(join(FRONTEND, `${path}.mjs`))))
    await writeFile(join(FRONTEND, name.replace(/\.ts$/, ".mjs")), found)
  }
  return files
}

const load = (name) => import(pathToFileURL(join(FRONTEND, name.replace(/\.ts$/, ".mjs"))))

/** Serve each `route.ts` below `app` at its path, as Next.js does. */
async function serve(files) {
  const routes = []
  for (const name of files.filter((name) => name.endsWith("route.ts"))) {
    const path = relative("app", name).replace(/\/?route\.ts$/, "").replace(/\[\.\.\.\w+\]/, ".+")
    routes.push([new RegExp(`^/${path}$`), await load(name)])
  }
  const server = createServer(async (incoming, outgoing) => {
    const url = new URL(incoming.url, BETTER_AUTH_URL)
    const handle = routes.find(([path]) => path.test(url.pathname))?.[1][incoming.method]
    const body = incoming.method === "GET" ? undefined : Buffer.concat(await all(incoming))
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
    const answer = handle
      ? await handle(new Request(url, { method: incoming.method, headers, body }))
      : new Response(null, { status: 404 })
    outgoing.writeHead(answer.status, [...answer.headers].flat())
    outgoing.end(Buffer.from(await answer.arrayBuffer()))
  })
  await new Promise((listening) => server.listen(new URL(BETTER_AUTH_URL).port, "127.0.0.1", listening))
  return server
}

async function all(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

/** Make `fetch` what it is in a browser that shows a page of the frontend: it has an origin and keeps cookies. */
function openBrowser() {
  const plain = globalThis.fetch
  const cookies = new Map()
  globalThis.fetch = async (path, options = {}) => {
    const url = new URL(path, BETTER_AUTH_URL)
    const headers = new Headers(options.headers)
    headers.set("Origin", BETTER_AUTH_URL)
    const isHome = url.origin === BETTER_AUTH_URL
    if (isHome && cookies.size) headers.set("Cookie", [...cookies].map((pair) => pair.join("=")).join("; "))
    const answer = await plain(url, { ...options, headers })
    for (const cookie of isHome ? answer.headers.getSetCookie() : []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)
      if (value && !/max-age=0/i.test(cookie)) cookies.set(name, value)
      else cookies.delete(name)
    }
    if (!isHome && answer.headers.get("Access-Control-Allow-Origin") !== BETTER_AUTH_URL) throw new Error("CORS")
    return answer
  }
}

async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" }
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

const pause = (seconds) => new Promise((passed) => setTimeout(passed, seconds * 1000))
const outcome = async (answer) => [answer.status, answer.status === 204 ? null : await answer.json()]

/** Make a task, list the tasks, complete one. */
async function useTasks(todo) {
  const made = await outcome(await todo("/tasks", { method: "POST", body: JSON.stringify({ title: "Buy milk" }) }))
  const done = await outcome(await todo(`/tasks/${made[1].id}/complete`, { method: "POST" }))
  return { made, done, listed: await outcome(await todo("/tasks")) }
}

async function withBetterAuth({ todo, forgetToken }, database) {
  const { user } = await post("/api/auth/sign-up/email", { name: "Ada", email: "ada@example.com", password: PASSWORD })
  const happened = {
    user: user.id,
    ...(await useTasks(todo)),
    own_path: (await todo(`/${user.id}/tasks`)).status,
    other_path: (await todo("/somebody-else/tasks")).status,
  }
  if (WAY === "1") {
    const kid = () => database.jwks.at(-1).id
    const before = kid()
    for (const key of database.jwks) key.expiresAt = new Date(Date.now() - 1000)
    await pause(1.5) // what was fetched less than a second ago is not fetched again for one more request
    forgetToken()
    happened.after_rotation = (await todo("/tasks")).status
    happened.rotated = kid() !== before
    happened.algorithms = database.jwks.map((key) => key.alg)
  }
  await post("/api/auth/sign-out")
  forgetToken()
  happened.signed_out = (await todo("/tasks")).status
  const other = await post("/api/auth/sign-up/email", { name: "Bob", email: "bob@example.com", password: PASSWORD })
  happened.other = other.user.id
  happened.other_listed = await outcome(await todo("/tasks"))
  return happened
}

async function withOurAccounts({ signUp, signIn, signOut, todo }) {
  await signUp("ada@example.com", PASSWORD)
  const happened = await useTasks(todo)
  await signOut()
  happened.signed_out = (await todo("/tasks")).status
  await signIn("ada@example.com", PASSWORD)
  happened.listed_again = await outcome(await todo("/tasks"))
  return happened
}

const files = await build()
const server = await serve(files)
const tables = files.includes("lib/database.ts") ? (await load("lib/database.ts")).tables : undefined
openBrowser()
const page = await load("lib/todo.ts")
const happened = WAY === "3" ? await withOurAccounts(page) : await withBetterAuth(page, tables)
console.log(JSON.stringify(happened))
server.close()
server.closeAllConnections()
process.exit(0)
