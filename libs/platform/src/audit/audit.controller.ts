import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Config } from '../config/index.js';
import { Endpoint, type Page } from '../http/index.js';
import type { AuditRow } from './audit-chain.js';
import { AuditLog } from './audit-log.js';
import {
  type AuditEntryView,
  auditPageView,
  auditQuery,
  type AuditQuery,
  verificationQuery,
  type VerificationQuery,
  verificationView,
  type VerificationView,
} from './audit.schema.js';

/** How long one answer looks at the log; less where a request has less time. */
const LONGEST_PART_MS = 5_000;

@ApiTags('Administration')
@Controller('admin/audit-log')
export class AuditController {
  private readonly partMs: number;

  constructor(
    private readonly auditLog: AuditLog,
    { settings }: Config,
  ) {
    this.partMs = Math.min(LONGEST_PART_MS, settings.REQUEST_TIMEOUT_MS / 2);
  }

  @Get()
  @Endpoint({
    summary: 'Read the audit log',
    description:
      'Who did what with the rights of staff, or by a command on the host, why, and from where. Newest first.',
    access: 'audit:read',
    responses: { 200: auditPageView },
    errors: [cursorErrors.invalid_cursor],
  })
  async listAuditEntries(
    @Query({ schema: auditQuery }) { limit, cursor, ...filters }: AuditQuery,
  ): Promise<Page<AuditEntryView>> {
    const { data, nextCursor } = await this.auditLog.list(filters, { limit, cursor });
    return { data: data.map(toView), nextCursor };
  }

  @Get('verify')
  @Endpoint({
    summary: 'Check the audit log',
    description:
      'Computes the chain of hashes anew and names the first entry that does not agree. That the newest entries are ' +
      'gone only shows beside a head that was noted elsewhere: give its `position` and `hash`, and it begins there. A ' +
      'long log is answered in parts (`complete: false`): ask with the `head` to go on. `steelyard audit verify` ' +
      'looks at all of it at once.',
    access: 'audit:read',
    responses: { 200: verificationView },
  })
  async verifyAuditLog(
    @Query({ schema: verificationQuery }) { position, hash }: VerificationQuery,
  ): Promise<VerificationView> {
    const known =
      position === undefined || hash === undefined ? undefined : { position, hash: Buffer.from(hash, 'hex') };
    const end = performance.now() + this.partMs;
    const verification = await this.auditLog.verify(known, () => performance.now() < end);
    const { checked, head, firstBroken, isComplete } = verification;
    return {
      intact: isComplete ? firstBroken === undefined : null,
      complete: isComplete,
      checked,
      head: { position: head.position, hash: head.hash.toString('hex') },
      firstBroken: firstBroken ?? null,
    };
  }
}

function toView({ occurredAt, hash, details, ...row }: AuditRow): AuditEntryView {
  return {
    ...row,
    occurredAt: occurredAt.toISOString(),
    details: details as Record<string, unknown>,
    hash: hash.toString('hex'),
  };
}
