import { Controller, Get, HttpException } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type HealthCheckResult } from '@nestjs/terminus';
import { DomainError } from '#kernel';
import { httpErrors, PROBES } from '../http/index.js';
import { Access } from '../security/index.js';
import { HealthChecks } from './health-checks.js';

/** The answers that orchestrators ask for. Aliveness asks no dependency: a restart would not cure PostgreSQL. */
@ApiExcludeController()
@Controller()
export class HealthController {
  constructor(private readonly checks: HealthChecks) {}

  @Access('public')
  @Get(PROBES.alive)
  alive(): { status: string } {
    return { status: 'ok' };
  }

  @Access('public')
  @Get(PROBES.healthy)
  healthy(): { status: string } {
    return { status: 'healthy' };
  }

  @Access('public')
  @Get(PROBES.startup)
  startup(): Promise<HealthCheckResult> {
    return asProblem(this.checks.startup());
  }

  @Access('public')
  @Get(PROBES.readiness)
  readiness(): Promise<HealthCheckResult> {
    return asProblem(this.checks.readiness());
  }
}

/** Says in the problem which check failed. */
async function asProblem(result: Promise<HealthCheckResult>): Promise<HealthCheckResult> {
  try {
    return await result;
  } catch (error) {
    if (!(error instanceof HttpException)) throw error;
    throw new DomainError(httpErrors.service_unavailable, {
      extensions: { checks: error.getResponse() },
      cause: error,
    });
  }
}
