/** The chapters of the API, in the order in which a front-end meets them. */
export const TAGS = [
  { name: 'Access', description: 'Log in, stay logged in, log out.' },
  { name: 'Second factor', description: 'Authenticator apps, passkeys, recovery codes.' },
  { name: 'Users', description: 'Accounts, and the people behind them.' },
  { name: 'API keys', description: 'For machines.' },
  { name: 'Catalog', description: 'Products and their stock.' },
  { name: 'Orders', description: 'From the quote to the parcel.' },
  { name: 'Payments', description: 'Capture, void and refund, for staff.' },
  { name: 'Sales', description: 'What was sold, for staff.' },
  { name: 'Webhooks', description: 'What happens here, told to the systems of others.' },
  { name: 'Ledger', description: 'The books, for admins.' },
  { name: 'Events', description: 'What happens, for other systems.' },
  {
    name: 'Administration',
    description: 'Whether everything is as it should be, and what to do when it is not.',
  },
] as const;
