import { renderTable } from './text-table.js';

describe('renderTable', () => {
  const columns = [
    { title: 'country', align: 'left' as const },
    { title: 'sold', align: 'right' as const },
  ];

  it('aligns words left and numbers right, and sets the footer apart', () => {
    const rows = [
      ['EIRE', '262.70'],
      ['United Kingdom', '8.33'],
    ];
    expect(renderTable(columns, rows, ['sum', '271.03'])).toEqual([
      'country           sold',
      '--------------  ------',
      'EIRE            262.70',
      'United Kingdom    8.33',
      '--------------  ------',
      'sum             271.03',
    ]);
  });

  it('shows the titles of an empty table', () => {
    expect(renderTable(columns, [])).toEqual(['country  sold', '-------  ----']);
  });

  it('leaves out cells that a row does not have', () => {
    expect(renderTable(columns, [['EIRE']])).toEqual(['country  sold', '-------  ----', 'EIRE']);
  });
});
