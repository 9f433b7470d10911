import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '#platform/http';
import { FindStuck, type StuckView } from '../application/find-stuck.js';
import { stuckView } from './stuck.schema.js';

@ApiTags('Administration')
@Controller('admin/stuck')
export class StuckController {
  constructor(private readonly findStuck: FindStuck) {}

  @Get()
  @Endpoint({
    summary: 'List what is stuck',
    description: 'Orders, operations and reports of the gateway that need somebody to look at them.',
    access: 'operations:read',
    responses: { 200: stuckView },
  })
  listStuck(): Promise<StuckView> {
    return this.findStuck.execute();
  }
}
