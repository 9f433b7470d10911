import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Access } from '../security/index.js';
import { type KeptMail, LocalMailbox } from './local-mailbox.js';

/** The mail that would have been sent. Part of no contract: where mail is really sent, there is no such route. */
@ApiExcludeController()
@Controller('dev')
export class MailboxController {
  constructor(private readonly mailbox: LocalMailbox) {}

  @Access('public')
  @Get('mailbox')
  @Header('Cache-Control', 'no-store')
  list(): { data: readonly KeptMail[] } {
    return { data: this.mailbox.newestFirst() };
  }
}
