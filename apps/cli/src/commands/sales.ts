import { Command } from 'commander';
import { ProcessError } from '#platform/process';
import { type RebuildProgress, RebuildSales, SalesModule } from '#sales';
import { withModules } from '../with-modules.js';

/** Events between two lines about the progress. */
const EVENTS_PER_LINE = 10_000;

/** `sales rebuild`: counts the daily sales anew while everything goes on. */
export function salesCommand(): Command {
  const command = new Command('sales').description('looks after the sales figures');
  command
    .command('rebuild')
    .description(
      'counts the daily sales anew from the events that are kept, while they go on being counted; what is older stays',
    )
    .action(() => withModules([SalesModule], (app) => rebuild(app.get(RebuildSales))));
  return command;
}

async function rebuild(sales: RebuildSales): Promise<void> {
  let lines = 0;
  const result = await sales.execute((progress) => {
    if (progress.replayed < (lines + 1) * EVENTS_PER_LINE) return;
    lines = Math.floor(progress.replayed / EVENTS_PER_LINE);
    tell(progress);
  });
  tell(result);
  console.log('The sales figures are those of the events now.');
  if (result.unreadable.length > 0) {
    const advice = 'But for these events, which cannot be read and count as they did before:';
    throw new ProcessError([advice, ...result.unreadable].join('\n  '));
  }
}

function tell({ replayed, kept }: Pick<RebuildProgress, 'replayed' | 'kept'>): void {
  console.log(`${replayed} events counted anew, ${kept} older ones kept as they were`);
}
