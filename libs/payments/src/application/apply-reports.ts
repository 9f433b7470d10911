import { Injectable } from '@nestjs/common';
import { Clock, newId } from '#kernel';
import { runAsSystem } from '#platform/context';
import { Database } from '#platform/database';
import { defineFailpoint } from '#platform/failpoints';
import { settleAll } from '#platform/jobs';
import { PinoLogger } from 'nestjs-pino';
import { type GatewayNews, PaymentGateway, withEnd } from '../domain/payment-gateway.js';
import { PaymentRepository } from '../domain/payment.repository.js';
import { GatewayReports, type KeptReport, type ReportStatus } from './gateway-reports.js';

type News<About extends GatewayNews['about']> = Extract<GatewayNews, { about: About }>;

/** Each takes a connection of the pool. */
const BATCH_SIZE = 8;

/** Where a crash can fall while a report is applied, in the order in which they are passed. */
const failpoints = {
  due: defineFailpoint('payments.report.due'),
  /** It is applied, and not committed yet. */
  applied: defineFailpoint('payments.report.applied'),
  committed: defineFailpoint('payments.report.committed'),
};

/** What a report is called whose news came to several things: the first of these that is among them. */
const GRAVEST_FIRST: readonly ReportStatus[] = ['contradiction', 'unmatched', 'applied', 'old'];

/**
 * The worker's part: applies what the gateway has reported, each report in one transaction with what it changes.
 * Reports come in any order and more than once; what is known only ever moves ahead.
 */
@Injectable()
export class ApplyReports {
  constructor(
    private readonly reports: GatewayReports,
    private readonly payments: PaymentRepository,
    private readonly gateway: PaymentGateway,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(ApplyReports.name);
  }

  /** Looks at one batch of due reports and returns how many of them nobody else had in hand. */
  async execute(): Promise<number> {
    return runAsSystem('gateway-reports', async () => {
      const due = await this.reports.due(this.gateway.name, BATCH_SIZE);
      let applied = 0;
      await settleAll(
        due.map(async (reference) => {
          if (await this.applyOne(reference)) applied += 1;
        }),
        'Reports of the gateway could not be applied.',
      );
      return applied;
    });
  }

  private async applyOne(reference: Pick<KeptReport, 'gateway' | 'id'>): Promise<boolean> {
    await failpoints.due.reach();
    let isFree = true;
    try {
      isFree = await this.database.transaction(async () => {
        const report = await this.reports.lock(reference);
        if (!report) return false;
        await this.apply(report);
        await failpoints.applied.reach();
        return true;
      });
    } catch (error) {
      await this.postpone(reference, error);
    }
    await failpoints.committed.reach();
    return isFree;
  }

  private async apply(report: KeptReport): Promise<void> {
    const all: { readonly status: ReportStatus; readonly news: GatewayNews }[] = [];
    for (const news of this.gateway.newsOf(report)) all.push({ status: await this.take(news), news });
    const gravest = GRAVEST_FIRST.find((each) => all.some(({ status }) => status === each)) ?? 'ignored';
    const subject = all.find(({ status }) => status === gravest)?.news;
    await this.reports.record(report, gravest, subject);
    if (gravest === 'contradiction') {
      this.logger.error(
        { report_id: report.id, report_type: report.type },
        'The gateway reports what contradicts our books: staff have to look at it',
      );
    }
  }

  private async take(news: GatewayNews): Promise<ReportStatus> {
    switch (news.about) {
      case 'operation':
        return this.takeOutcome(news);
      case 'authorization_ended':
        return this.takeEnd(news);
      case 'dispute':
        return this.takeDispute(news);
      case 'unasked_movement': {
        const place = await this.payments.placeAtGateway(this.gateway.name, news.gatewayPaymentId);
        return place ? 'contradiction' : 'ignored';
      }
    }
  }

  private async takeOutcome(news: News<'operation'>): Promise<ReportStatus> {
    const { operationId } = news;
    const place = await this.payments.placeOfOperation(operationId);
    if (!place) return 'unmatched';
    const about = { orderId: place.orderId, withLines: true, withOperation: operationId };
    const report = { ...news, outcome: withEnd(news.outcome, this.clock.now()) };
    const worth = await this.payments.update(place.paymentId, (payment) => payment.learn(report), about);
    return worth === 'new' ? 'applied' : worth;
  }

  private async takeEnd({ gatewayPaymentId }: News<'authorization_ended'>): Promise<ReportStatus> {
    const place = await this.payments.placeAtGateway(this.gateway.name, gatewayPaymentId);
    if (!place) return 'unmatched';
    const { paymentId, orderId } = place;
    const isNew = await this.payments.update(paymentId, (payment) => payment.endAuthorization(), { orderId });
    return isNew ? 'applied' : 'old';
  }

  private async takeDispute(news: News<'dispute'>): Promise<ReportStatus> {
    const { gatewayPaymentId, gatewayId, amount, currency, reason, status, respondBy } = news;
    const place = await this.payments.placeAtGateway(this.gateway.name, gatewayPaymentId);
    if (!place) return 'unmatched';
    const dispute = { id: newId(), gatewayId, amount, reason, status, respondBy };
    return this.payments.update(
      place.paymentId,
      (payment) => {
        if (payment.state.currency !== currency) return 'contradiction';
        return payment.trackDispute(dispute) ? 'applied' : 'old';
      },
      { orderId: place.orderId, withDispute: gatewayId },
    );
  }

  /** What cannot be applied now, because something is still under way or PostgreSQL is not there, is tried again. */
  private async postpone(reference: Pick<KeptReport, 'gateway' | 'id'>, error: unknown): Promise<void> {
    this.logger.warn({ err: error, report_id: reference.id }, 'A report of the gateway is applied later');
    await this.database.transaction(async () => {
      const report = await this.reports.lock(reference);
      if (report) await this.reports.record(report, 'received');
    });
  }
}
