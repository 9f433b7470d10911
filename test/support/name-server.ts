import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const HEADER_BYTES = 12;
const TYPE_A = 1;
/** An answer without recursion errors, to a question that wanted recursion. */
const NO_ERROR = 0x8180;
/** The name of an answer that is the one of the question. */
const NAME_OF_QUESTION = 0xc00c;

/** A name server on loopback: knows one IPv4 address for every name, and keeps silent about the names of one domain. */
export interface NameServer {
  /** `address:port`. */
  readonly server: string;
  /** What it was asked, in order: `A partner.test`. */
  readonly questions: string[];
  readonly close: () => Promise<void>;
}

export async function startNameServer(address: string, silentDomain: string): Promise<NameServer> {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${type === TYPE_A ? 'A' : 'AAAA'} ${name}`);
    if (name.endsWith(`.${silentDomain}`)) return;
    socket.send(
      answerTo(query.subarray(0, end), type === TYPE_A ? address : undefined),
      from.port,
      from.address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const close = async (): Promise<void> => {
    socket.close();
    await once(socket, 'close');
  };
  return { server: `127.0.0.1:${socket.address().port}`, questions, close };
}

/** The first question of a query: the name is a list of labels, each behind its length. */
function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]; length !== undefined && length > 0; length = query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  // The type and the class follow.
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(question: Buffer, address: string | undefined): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(NO_ERROR, 2);
  head.writeUInt16BE(address === undefined ? 0 : 1, 6);
  // Neither authorities nor anything additional.
  head.writeUInt32BE(0, 8);
  if (address === undefined) return head;
  const record = Buffer.alloc(16);
  record.writeUInt16BE(NAME_OF_QUESTION, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt16BE(4, 10);
  record.set(address.split('.').map(Number), 12);
  return Buffer.concat([head, record]);
}
