// Made by `npm run contracts` from contracts/openapi.json.

export interface paths {
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Public keys of the access tokens
         * @description For services that verify access tokens themselves. Cache it; look again for an unknown `kid`.
         */
        get: operations["listPublicKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/audit-log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log
         * @description Who did what with the rights of staff, why, and from where. Newest first.
         *
         *     For admin and above; keys with the scope `audit:read`.
         */
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/audit-log/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check the audit log
         * @description Computes the chain of hashes anew and names the first entry that does not agree. That the newest entries are gone only shows beside a head that was noted elsewhere: give its `position` and `hash`.
         *
         *     For admin and above; keys with the scope `audit:read`.
         */
        get: operations["verifyAuditLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/invariants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check the invariants
         * @description Looks at what has changed since the last look, for a few seconds at most, and tells how all twelve stand. What only tests can prove is listed with the suites that prove it.
         *
         *     For admin and above; keys with the scope `operations:read`.
         */
        get: operations["getInvariants"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/invariants/freeze": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Freeze the captures
         * @description From now on, and everywhere within a second, capturing is refused with 503 `captures_frozen`: captures by hand, parcels that capture, and orders that capture at once. Refunds, voids and cancellations stay possible. Freezing what is frozen changes nothing.
         *
         *     For admin and above.
         */
        post: operations["freezeCaptures"];
        /**
         * Lift the freeze of the captures
         * @description The breaches that are open now do not freeze again; later ones may.
         *
         *     For admin and above.
         */
        delete: operations["liftFreeze"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/operations/{id}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say what became of an operation
         * @description For an operation that needs attention: nobody could find out by asking the gateway. Look at the books of the gateway first; what is said here moves the order and the ledger. `ask_again` has the gateway asked once more.
         *
         *     For admin and above.
         */
        post: operations["resolve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/reports/{id}/settle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Settle a contradiction
         * @description When what the gateway said, against the books, has been dealt with: who did, when and why is kept.
         *
         *     For admin and above.
         */
        post: operations["settle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/stuck": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what is stuck
         * @description Orders, operations and reports of the gateway that need somebody to look at them.
         *
         *     For admin and above; keys with the scope `operations:read`.
         */
        get: operations["listStuck"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the API keys
         * @description Those that are not revoked, newest first.
         *
         *     For admin and above.
         */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Make an API key
         * @description For a machine, which sends it as `Authorization: Bearer <key>` and may do what the scopes say, and nothing else. The answer shows the key this once: only its hash is kept. A call whose answer was lost has made a key that nobody knows; revoke it and make another.
         *
         *     For admin and above.
         */
        post: operations["issueApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description The next call with it is refused.
         *
         *     For admin and above.
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/confirm-email-change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm my new e-mail address
         * @description With the token that was mailed to the new address, which is the one to log in with from then on; the old one is told. Sessions go on.
         */
        post: operations["confirmEmailChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/forgot-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mail me a token to choose a new password
         * @description The answer is the same for every address; mail is sent where there is an account.
         */
        post: operations["forgotPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Opens a session. Send `accessToken` with each call, and exchange `refreshToken` for new ones before `expiresIn` seconds have passed. An unknown e-mail address and a wrong password get the same answer, and after some failures for an account or from a network address each further one starts a pause (429), which doubles. To the right password of an account with a second factor it is 403 `second_factor_required`, whose problem holds `challengeToken`, `expiresIn`, the `methods` that the account has (`totp`, `passkey`, `recoveryCode`), and `passkeyOptions` for `navigator.credentials.get()`: go on with `POST /auth/second-factor`.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the session of the refresh token. Repeat it as you like: a token that opens no session is no error. Access tokens that the session got work until they expire.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in with a passkey
         * @description Without a password. It opens a session with two factors (`aal2`) by itself.
         */
        post: operations["loginWithPasskey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/passkey/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to log in with a passkey
         * @description Hand the answer to `navigator.credentials.get()`, and what that gives to `POST /auth/passkey`, within five minutes. It is the same for everybody: the browser knows which passkeys there are.
         */
        post: operations["passkeyLoginOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get fresh tokens
         * @description Replaces the refresh token. A repetition with the replaced one within 10 seconds, because an answer was lost or two tabs refreshed at once, gets the token that is active by then. Later it ends the session (`refresh_token_reused`), because one of two holders must have stolen it. A changed role shows from here on.
         */
        post: operations["refreshTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/resend-verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mail me another token to confirm my address
         * @description The answer is the same for every address; mail is sent where one waits to be confirmed.
         */
        post: operations["resendVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Choose a new password
         * @description With the token that was mailed. Ends every session; log in afterwards. It confirms the address as well.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Finish a log-in with a second factor
         * @description With the `challengeToken` of the problem `second_factor_required`, which is good for one session, for five minutes. For a passkey, sign its `passkeyOptions`. A wrong factor leaves the token good; after some failures each further one starts a pause (429), which doubles.
         */
        post: operations["finishLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/step-up": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Raise my session to two factors
         * @description For a session that was opened before there was a second factor, when something answers 403 `insufficient_aal`. The refresh token stays as it is, and its next access tokens say `aal2` as well.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["stepUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/step-up/passkey-options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to prove a passkey of mine
         * @description Hand the answer to `navigator.credentials.get()`; what that gives is the `passkey` of a call that asks for a second factor, once, within five minutes.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["stepUpPasskeyOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm my e-mail address
         * @description With the token that was mailed to it. It is good once, for 15 minutes; a later one ends it.
         */
        post: operations["verifyEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/disputes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List disputes
         * @description For staff and above; keys with the scope `payments:read`.
         */
        get: operations["listDisputes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/disputes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a dispute
         * @description For staff and above; keys with the scope `payments:read`.
         */
        get: operations["getDispute"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ledger/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the ledger accounts
         * @description For admin and above; keys with the scope `ledger:read`.
         */
        get: operations["listLedgerAccounts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ledger/transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the ledger transactions
         * @description For admin and above; keys with the scope `ledger:read`.
         */
        get: operations["listLedgerTransactions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ledger/trial-balance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the trial balance
         * @description For admin and above; keys with the scope `ledger:read`.
         */
        get: operations["getTrialBalance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List orders
         * @description Customers see their own; staff see all.
         *
         *     For whoever is logged in, on what is theirs; staff and above; keys with the scope `orders:list`.
         */
        get: operations["listOrders"];
        put?: never;
        /**
         * Place an order
         * @description Reserves the stock and asks for the payment. 201: the order is confirmed. 202: the outcome of the payment is not known yet; ask for the order later. 402: the payment was declined; the order waits, with its stock, for another attempt. Without a token an `email` makes it a guest’s order, and the answer holds its `orderToken`.
         *
         *     For anyone, on what is theirs; keys with the scope `orders:place`.
         */
        post: operations["place"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Claim my earlier guest orders
         * @description Those that were placed without an account, with the e-mail address of the account. It has to be confirmed: else whoever registers with a stranger’s address would see what the stranger bought.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["claim"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/quote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Price an order without placing it
         * @description For anyone, on what is theirs; keys with the scope `orders:place`.
         */
        post: operations["quote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an order
         * @description For anyone, on what is theirs; staff and above; keys with the scope `orders:read`.
         */
        get: operations["getOrder"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel an order
         * @description Before anything has left the house. What was authorized is voided, what was captured is refunded. 202 while that is not certain yet; the stock comes back when it is.
         *
         *     For anyone, on what is theirs; staff and above; keys with the scope `orders:cancel`.
         */
        post: operations["cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close the rest of an order
         * @description Of a partially fulfilled order: what has not left will not leave. Its pieces are back in stock at once, and the order is `fulfilled`. What pays for them is voided as far as it is only authorized, after a capture of what has left, and refunded as far as it was captured; what was given back already, beyond the worth of what came back, counts. 202 while the gateway has not done that, or has refused it: close again to ask again.
         *
         *     For staff and above; keys with the scope `orders:close`.
         */
        post: operations["close"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/fulfillments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what left the house of an order
         * @description For anyone, on what is theirs; staff and above; keys with the scope `orders:read`.
         */
        get: operations["listFulfillments"];
        put?: never;
        /**
         * Fulfil an order
         * @description Pieces of lines leave the house. Captures their share where the order captures on fulfilment.
         *
         *     For staff and above; keys with the scope `orders:fulfil`.
         */
        post: operations["fulfil"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/payments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try to pay an order again
         * @description After a decline, until the order expires. The answers are those of placing it.
         *
         *     For anyone, on what is theirs; staff and above; keys with the scope `orders:pay`.
         */
        post: operations["pay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/returns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what came back of an order
         * @description For anyone, on what is theirs; staff and above; keys with the scope `orders:read`.
         */
        get: operations["listReturns"];
        put?: never;
        /**
         * Take back pieces of an order
         * @description Pieces that had left the house came back. Those that are restocked can be sold again at once; the others are noted, and change no stock. No money moves: give back what is due with a refund of the order’s payment.
         *
         *     For staff and above; keys with the scope `orders:fulfil`.
         */
        post: operations["returnPieces"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the timeline of an order
         * @description For anyone, on what is theirs; staff and above; keys with the scope `orders:read`.
         */
        get: operations["getOrderTimeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payment-webhooks/{gateway}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a webhook of the payment gateway
         * @description For the gateway alone. A signed event is kept and answered at once; it is applied after that, once, in whatever order events come.
         */
        post: operations["receive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List payments
         * @description For staff and above; keys with the scope `payments:read`.
         */
        get: operations["listPayments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a payment
         * @description With its operations at the gateway and its refunds.
         *
         *     For staff and above; keys with the scope `payments:read`.
         */
        get: operations["getPayment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Void an authorized payment
         * @description Gives up what is not captured. 202 while the outcome is unknown.
         *
         *     For staff and above; keys with the scope `payments:capture`.
         */
        post: operations["cancelPayment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/{id}/capture": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Capture an authorized payment
         * @description All of it, or an amount; again until the authorized amount is reached. 202 while the outcome is unknown.
         *
         *     For staff and above; keys with the scope `payments:capture`.
         */
        post: operations["capture"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/{id}/refunds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refund a captured payment
         * @description An amount, lines of the order, or all that is left. The amount is reserved first, so refunds never exceed the capture. 202 while the outcome is unknown; a refund that the gateway refuses is 201 with status `failed`.
         *
         *     For staff and above; keys with the scope `payments:refund`.
         */
        post: operations["refund"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List products
         * @description Newest first. Shoppers see the active products, staff see all.
         *
         *     For anyone, on what is theirs; staff and above; keys with the scope `catalog:read`.
         */
        get: operations["listProducts"];
        put?: never;
        /**
         * Create a product
         * @description For staff and above; keys with the scope `catalog:write`.
         */
        post: operations["createProduct"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import products
         * @description Creates the products whose SKU is new and makes the others what the file says. The file is CSV in UTF-8 with the columns `sku`, `name`, `description`, `price_amount`, `currency`, `active` (an empty `active` means true), or NDJSON with one object per line like the body that creates a product; as the body, or as the one file of a form; at most 256 MiB. All rows are imported or, if one is faulty, none: `import_rejected` lists what is wrong as `{ row, pointer, code, detail }`. With `partial=true` the good rows are imported.
         *
         *     For staff and above; keys with the scope `catalog:write`.
         */
        post: operations["importProducts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a product
         * @description Cached; `availability` may lag behind a sale for a moment, and only an order decides what can be bought. The `ETag` changes with the product and with its availability.
         *
         *     For anyone, on what is theirs; staff and above; keys with the scope `catalog:read`.
         */
        get: operations["getProduct"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a product
         * @description Names the version to change in `If-Match`: the `ETag` as it was answered.
         *
         *     For staff and above; keys with the scope `catalog:write`.
         */
        patch: operations["updateProduct"];
        trace?: never;
    };
    "/api/v1/products/{id}/stock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the stock of a product
         * @description For staff and above; keys with the scope `stock:read`.
         */
        get: operations["getStock"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products/{id}/stock-movements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a product's stock movements
         * @description The journal, newest first.
         *
         *     For staff and above; keys with the scope `stock:read`.
         */
        get: operations["listStockMovements"];
        put?: never;
        /**
         * Receive or adjust stock
         * @description `receive` adds goods that arrived. `adjust` sets what was counted: `stale_quantity` answers the current `onHand` when it is not the expected one, `stock_reserved` the number of `reserved` pieces when fewer would be left.
         *
         *     For staff and above; keys with the scope `stock:write`.
         */
        post: operations["recordStockMovement"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List users
         * @description Newest first.
         *
         *     For staff and above; keys with the scope `users:read`.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Register
         * @description Creates a customer. Log in afterwards with the same e-mail address and password. Where addresses have to be confirmed first (`USERS_EMAIL_VERIFICATION=required`), the answer is 202 for every address, taken or not, a mail says the rest, and the `id` is the server’s.
         */
        post: operations["registerUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who am I
         * @description For whoever is logged in, on what is theirs.
         */
        get: operations["getMe"];
        put?: never;
        post?: never;
        /**
         * Erase me
         * @description For good: name and address give way to a pseudonym, sessions and tokens end, nobody can log in. Orders keep their ids and amounts, and lose e-mail address, metadata, and all of the shipping address but the country. While orders are not paid, or not sent, they need the person: 409 `orders_open` names them.
         *
         *     For whoever is logged in, on what is theirs.
         */
        delete: operations["eraseMe"];
        options?: never;
        head?: never;
        /**
         * Change my profile
         * @description For whoever is logged in, on what is theirs.
         */
        patch: operations["updateMe"];
        trace?: never;
    };
    "/api/v1/users/me/email-change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move my account to another e-mail address
         * @description Mails a token to the new address. Nothing changes until it is given to `POST /auth/confirm-email-change`.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["changeMyEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export all that is held about me
         * @description For whoever is logged in, on what is theirs.
         */
        get: operations["exportMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add a passkey
         * @description It opens the account by itself, and is a second factor after the password.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["addPasskey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/passkeys/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to add a passkey
         * @description Hand the answer to `navigator.credentials.create()`, and what that gives to `POST /users/me/passkeys`, within five minutes. Where there is a second factor already, a log-in with it is needed (403 `insufficient_aal`).
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["passkeyOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/passkeys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a passkey
         * @description Takes the password and a second factor. For a passkey, sign what `POST /auth/step-up/passkey-options` gives. Recovery codes go with the last second factor.
         *
         *     For whoever is logged in, on what is theirs.
         */
        delete: operations["removePasskey"];
        options?: never;
        head?: never;
        /**
         * Rename a passkey
         * @description For whoever is logged in, on what is theirs.
         */
        patch: operations["renamePasskey"];
        trace?: never;
    };
    "/api/v1/users/me/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace my recovery codes
         * @description Takes the password and a second factor. For a passkey, sign what `POST /auth/step-up/passkey-options` gives.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["replaceRecoveryCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See my second factors
         * @description For whoever is logged in, on what is theirs.
         */
        get: operations["getMySecondFactor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List my sessions
         * @description The log-ins that have not ended, newest first.
         *
         *     For whoever is logged in, on what is theirs.
         */
        get: operations["listMySessions"];
        put?: never;
        post?: never;
        /**
         * End all my other sessions
         * @description For a device that was lost; with `includeCurrent=true` on every device. Refresh tokens stop working at once, access tokens when they expire.
         *
         *     For whoever is logged in, on what is theirs.
         */
        delete: operations["revokeMySessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one of my sessions
         * @description Its refresh token stops working at once, its access tokens when they expire.
         *
         *     For whoever is logged in, on what is theirs.
         */
        delete: operations["revokeMySession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to use an authenticator app
         * @description Show `uri` as a QR code. Nothing changes until the first code of the app is given to `POST /users/me/totp/confirm`, within 15 minutes. Where there is a second factor already, a log-in with it is needed (403 `insufficient_aal`).
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["enrolTotp"];
        /**
         * Remove my authenticator app
         * @description Takes the password and a second factor. For a passkey, sign what `POST /auth/step-up/passkey-options` gives. Recovery codes go with the last second factor.
         *
         *     For whoever is logged in, on what is theirs.
         */
        delete: operations["removeTotp"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm my authenticator app
         * @description With its first code. Every later log-in asks for one; sessions that are open go on as they are, until `POST /auth/step-up`.
         *
         *     For whoever is logged in, on what is theirs.
         */
        post: operations["confirmTotp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a user
         * @description For staff and above; keys with the scope `users:read`.
         */
        get: operations["getUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a user
         * @description A new role shows in the access tokens that the user gets from then on: at the latest after the life of one token. Administrators cannot give up their own role, and one always remains.
         *
         *     For admin and above; keys with the scope `users:write`.
         */
        patch: operations["updateUser"];
        trace?: never;
    };
    "/api/v1/users/{id}/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove the second factors of a user who has lost them
         * @description For somebody who has neither their second factor nor a recovery code, and of whom you are sure. Authenticator app, passkeys and recovery codes go, every session ends, and the user is told by mail; the password stays.
         *
         *     For admin and above; keys with the scope `users:write`.
         */
        delete: operations["resetSecondFactor"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description An access token of the session.
         * @example {
         *       "accessToken": "eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJzdWIiOiIwMTk3NmY1ZSJ9.c2lnbmF0dXJl",
         *       "tokenType": "Bearer",
         *       "expiresIn": 900
         *     }
         */
        AccessToken: {
            /** @description Goes into `Authorization: Bearer …`. */
            accessToken: string;
            /** @enum {string} */
            tokenType: "Bearer";
            /** @description Life of the access token, in seconds. */
            expiresIn: number;
        };
        /**
         * @description The new passkey.
         * @example {
         *       "passkey": {
         *         "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *         "name": "Phone",
         *         "synced": true,
         *         "createdAt": "2026-11-20T12:00:00.000Z",
         *         "lastUsedAt": null
         *       },
         *       "recoveryCodes": null
         *     }
         */
        AddedPasskey: {
            passkey: components["schemas"]["Passkey"];
            /** @description With the first second factor ten codes, each good once and shown this once; null with each further one. */
            recoveryCodes: string[] | null;
        };
        /**
         * @description A key of a machine, without what the machine sends.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "name": "Warehouse",
         *       "scopes": [
         *         "orders:fulfil",
         *         "orders:list",
         *         "orders:read"
         *       ],
         *       "createdBy": "user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "expiresAt": "2027-11-20T12:00:00.000Z",
         *       "lastUsedAt": null
         *     }
         */
        ApiKey: {
            /** Format: uuid */
            id: string;
            name: string;
            scopes: string[];
            /** @description Who made it: `user:<id>`. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /** @description When it ends by itself; null: never. */
            expiresAt: string | null;
            /** @description To the minute; null: never. */
            lastUsedAt: string | null;
        };
        /** @description One page. `nextCursor` is null on the last. */
        ApiKeyPage: {
            data: components["schemas"]["ApiKey"][];
            nextCursor: string | null;
        };
        /**
         * @description Something that was done with the rights of staff.
         * @example {
         *       "position": 1207,
         *       "occurredAt": "2026-11-20T12:00:00.000Z",
         *       "actor": "user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "role": "staff",
         *       "sessionId": "01976f5e-9a10-7b3c-8f2d-6c1e5a4b3d20",
         *       "action": "POST /payments/:id/refunds",
         *       "target": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13",
         *       "reason": "Broken on arrival",
         *       "details": {
         *         "amount": {
         *           "amount": 1250,
         *           "currency": "GBP"
         *         }
         *       },
         *       "address": "203.0.113.7",
         *       "requestId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19",
         *       "hash": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
         *     }
         */
        AuditEntry: {
            /** @description Counts from 1, without a gap. */
            position: number;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            occurredAt: string;
            /** @description `user:<id>` or `key:<id>` */
            actor: string;
            /** @description The role that they had at the time; `key` for an API key. */
            role: string;
            /**
             * Format: uuid
             * @description The session of a person, or the id of the API key.
             */
            sessionId: string;
            /** @description Method and route. */
            action: string;
            /** @description The id in the address, where there is one. */
            target: string | null;
            reason: string | null;
            /** @description The fields of the request. What is personal or secret is `[redacted]`. */
            details: {
                [key: string]: unknown;
            };
            /** @description The IP address that the call came from. */
            address: string;
            requestId: string;
            /** @description SHA-256 of this entry and of the hash before it. */
            hash: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        AuditPage: {
            data: components["schemas"]["AuditEntry"][];
            nextCursor: string | null;
        };
        /**
         * @description Whether the audit log is as it was written.
         * @example {
         *       "intact": true,
         *       "checked": 1207,
         *       "head": {
         *         "position": 1207,
         *         "hash": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
         *       },
         *       "firstBroken": null
         *     }
         */
        AuditVerification: {
            intact: boolean;
            /** @description Entries that agree with the chain, from the first. */
            checked: number;
            /** @description The last entry that agrees. Note it elsewhere, and ask with it next time. */
            head: {
                position: number;
                hash: string;
            };
            /** @description The first position whose entry was changed, put there, or is gone. */
            firstBroken: number | null;
        };
        /**
         * @description Why, if you like.
         * @example {
         *       "reason": "ordered twice"
         *     }
         */
        CancelOrder: {
            reason?: string;
        };
        /**
         * @description Nothing to say: an empty object.
         * @example {}
         */
        CancelPayment: Record<string, never>;
        /**
         * @description Without an amount all that is left of the authorization is captured.
         * @example {
         *       "amount": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       }
         *     }
         */
        CapturePayment: {
            /**
             * @example {
             *       "amount": 1250,
             *       "currency": "GBP"
             *     }
             */
            amount?: {
                /** @description Minor units: pence, cents. */
                amount: number;
                /**
                 * @description ISO 4217 code.
                 * @example GBP
                 * @enum {string}
                 */
                currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
            };
        };
        /**
         * @description Whether money is captured.
         * @example {
         *       "frozen": false,
         *       "since": null,
         *       "reason": null,
         *       "by": null
         *     }
         */
        Captures: {
            /** @description Whether capturing is refused with `captures_frozen`. */
            frozen: boolean;
            since: string | null;
            reason: string | null;
            /** @description `user:<id>`, or `system:invariants` after a breach. */
            by: string | null;
        };
        /**
         * @description Nothing: the address is that of the account.
         * @example {}
         */
        ClaimOrders: Record<string, never>;
        /**
         * @description What was claimed.
         * @example {
         *       "claimed": 2
         *     }
         */
        ClaimedOrders: {
            /** @description How many orders came to the account. After 100 there may be more: call again with another key. */
            claimed: number;
        };
        /**
         * @description Why, if you like.
         * @example {
         *       "reason": "the rest is sold out"
         *     }
         */
        CloseOrder: {
            reason?: string;
        };
        /**
         * @description A new product. It has no stock until some is received.
         * @example {
         *       "sku": "MUG-STONE-350",
         *       "name": "Stoneware mug, 350 ml",
         *       "description": "Thrown by hand, glazed inside and out.",
         *       "price": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       }
         *     }
         */
        CreateProduct: {
            /**
             * @description Stock keeping unit: unique, and upper and lower case differ.
             * @example MUG-STONE-350
             */
            sku: string;
            /** @example Stoneware mug, 350 ml */
            name: string;
            /**
             * @default null
             * @example Thrown by hand, glazed inside and out.
             */
            description?: string | null;
            /**
             * @example {
             *       "amount": 1250,
             *       "currency": "GBP"
             *     }
             */
            price: {
                /** @description Minor units: pence, cents. */
                amount: number;
                /**
                 * @description ISO 4217 code.
                 * @example GBP
                 * @enum {string}
                 */
                currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
            };
            /**
             * @description Whether shoppers see it and can order it.
             * @default true
             */
            active?: boolean;
            /**
             * Format: uuid
             * @description UUIDv7 of the new resource, chosen by the client. Made by the server when absent.
             */
            id?: string;
        };
        /**
         * @description A customer has complained to their bank about a payment.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19",
         *       "paymentId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "orderId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "gatewayId": "dp_1PgafmB7WZ01zgkW",
         *       "status": "needs_response",
         *       "amount": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       },
         *       "reason": "fraudulent",
         *       "respondBy": "2026-11-20T12:00:00.000Z",
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "updatedAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        Dispute: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            paymentId: string;
            /** Format: uuid */
            orderId: string;
            /** @description The gateway’s name for it, to be looked up in its dashboard. */
            gatewayId: string;
            /**
             * @description An `inquiry` takes no money; from `needs_response` on the bank holds it, until the dispute is `won`.
             * @enum {string}
             */
            status: "inquiry" | "needs_response" | "under_review" | "won" | "lost" | "closed";
            amount: components["schemas"]["Money"];
            reason: string;
            /** @description Until when evidence may be handed in. */
            respondBy: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            updatedAt: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        DisputePage: {
            data: components["schemas"]["Dispute"][];
            nextCursor: string | null;
        };
        /**
         * @description An e-mail address.
         * @example {
         *       "email": "ada@example.com"
         *     }
         */
        EmailBody: {
            /**
             * Format: email
             * @example ada@example.com
             */
            email: string;
        };
        /**
         * @description The new address, and the password as it is.
         * @example {
         *       "email": "ada.king@example.com",
         *       "password": "correct horse battery"
         *     }
         */
        EmailChange: {
            /**
             * Format: email
             * @example ada@example.com
             */
            email: string;
            /** Format: password */
            password: string;
        };
        /**
         * @description The password, to be sure that it is you.
         * @example {
         *       "password": "correct horse battery"
         *     }
         */
        Erasure: {
            /** Format: password */
            password: string;
        };
        /**
         * @description Why the captures are frozen, or go on.
         * @example {
         *       "reason": "The gateway reports twice our captures"
         *     }
         */
        FreezeCaptures: {
            /** @example The gateway reports twice our captures */
            reason: string;
        };
        /**
         * @description Pieces of lines that leave the house.
         * @example {
         *       "lines": [
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "quantity": 1
         *         }
         *       ],
         *       "trackingNumber": "RB123456785GB",
         *       "carrier": "royal_mail"
         *     }
         */
        FulfilOrder: {
            lines: {
                /** Format: uuid */
                lineId: string;
                quantity: number;
            }[];
            trackingNumber?: string;
            carrier?: string;
        };
        /**
         * @description What left the house in one parcel.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d17",
         *       "orderId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "lines": [
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "quantity": 1
         *         }
         *       ],
         *       "trackingNumber": "RB123456785GB",
         *       "carrier": "royal_mail",
         *       "createdAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        Fulfillment: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            orderId: string;
            lines: {
                /** Format: uuid */
                lineId: string;
                quantity: number;
            }[];
            trackingNumber: string | null;
            carrier: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
        };
        /** @description What left the house of one order, newest first: the newest hundred. */
        FulfillmentList: {
            data: components["schemas"]["Fulfillment"][];
        };
        /**
         * @description An event, as the gateway makes it.
         * @example {}
         */
        GatewayWebhook: {
            [key: string]: unknown;
        };
        /**
         * @description What became of the rows.
         * @example {
         *       "created": 120,
         *       "updated": 14,
         *       "unchanged": 866,
         *       "failed": 1,
         *       "errors": [
         *         {
         *           "row": 17,
         *           "pointer": "/sku",
         *           "code": "duplicate_sku",
         *           "detail": "An earlier row has the same SKU."
         *         }
         *       ]
         *     }
         */
        ImportResult: {
            created: number;
            updated: number;
            unchanged: number;
            /** @description Faulty rows; only with `partial` can there be any here. */
            failed: number;
            /** @description What is wrong with them, at most 1000 entries. */
            errors: {
                /** @description Number of the row, from 1; the header and empty lines do not count. */
                row: number;
                /** @description The column as a JSON pointer, empty for the row as a whole. */
                pointer: string;
                code: string;
                detail: string;
            }[];
        };
        /**
         * @description One of the twelve promises about money, stock and orders.
         * @example {
         *       "number": 6,
         *       "title": "With stock S and N buyers of one piece, exactly min(S, N) orders are confirmed",
         *       "how": "tests",
         *       "provenBy": [
         *         "test/integration/concurrency.spec.ts"
         *       ],
         *       "checks": []
         *     }
         */
        Invariant: {
            number: number;
            title: string;
            /**
             * @description `live`: checked on this database. `tests`: no look at the database can decide it.
             * @enum {string}
             */
            how: "live" | "tests";
            /** @description The suites that prove what the checks leave open; empty where they leave nothing. */
            provenBy: string[];
            checks: components["schemas"]["InvariantCheck"][];
        };
        /**
         * @description What breaks an invariant. It is looked at again in each round, and gone once it holds.
         * @example {
         *       "subject": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13",
         *       "details": {
         *         "captured": 7800,
         *         "refunded": 0,
         *         "ledger": 7799
         *       },
         *       "foundAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        InvariantBreach: {
            /** @description Whose state it is: the id of a payment, an order, a product. */
            subject: string;
            /** @description What does not agree. */
            details: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            foundAt: string;
        };
        /**
         * @description A look at our own database, over what has changed since the last one.
         * @example {
         *       "id": "ledger_matches_payment",
         *       "title": "The ledger holds of each payment what was captured and not refunded",
         *       "checked": 48211,
         *       "upToDate": true,
         *       "checkedAt": "2026-11-20T12:00:00.000Z",
         *       "breachCount": 0,
         *       "breaches": []
         *     }
         */
        InvariantCheck: {
            id: string;
            title: string;
            /** @description Looks at a row so far; a row is looked at after each change. */
            checked: number;
            /** @description Whether the last round came to the end of the changes. */
            upToDate: boolean;
            checkedAt: string | null;
            breachCount: number;
            /** @description The first twenty that are open, oldest first. */
            breaches: components["schemas"]["InvariantBreach"][];
        };
        /**
         * @description How the twelve invariants stand.
         * @example {
         *       "holds": true,
         *       "checkedAt": "2026-11-20T12:00:00.000Z",
         *       "captures": {
         *         "frozen": false,
         *         "since": null,
         *         "reason": null,
         *         "by": null
         *       },
         *       "invariants": [
         *         {
         *           "number": 6,
         *           "title": "With stock S and N buyers of one piece, exactly min(S, N) orders are confirmed",
         *           "how": "tests",
         *           "provenBy": [
         *             "test/integration/concurrency.spec.ts"
         *           ],
         *           "checks": []
         *         }
         *       ]
         *     }
         */
        InvariantsReport: {
            /** @description Whether no breach is open. */
            holds: boolean;
            /** @description When the check ran that has not run for longest. */
            checkedAt: string | null;
            captures: components["schemas"]["Captures"];
            invariants: components["schemas"]["Invariant"][];
        };
        /**
         * @description A new key, with what the machine sends.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "name": "Warehouse",
         *       "scopes": [
         *         "orders:fulfil",
         *         "orders:list",
         *         "orders:read"
         *       ],
         *       "createdBy": "user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "expiresAt": "2027-11-20T12:00:00.000Z",
         *       "lastUsedAt": null,
         *       "key": "sty_AZdvXo08elGcfj8fOyqdEA_NbkXr2Vq3r4Jm0cN4sYwQz1tU6aB8dE0fG2hI4jK6lM"
         *     }
         */
        IssuedApiKey: {
            /** Format: uuid */
            id: string;
            name: string;
            scopes: string[];
            /** @description Who made it: `user:<id>`. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /** @description When it ends by itself; null: never. */
            expiresAt: string | null;
            /** @description To the minute; null: never. */
            lastUsedAt: string | null;
            /**
             * Format: password
             * @description What the machine sends: `Authorization: Bearer <key>`. Shown this once.
             */
            key: string;
        };
        /**
         * @description The balance of every account in every currency.
         * @example {
         *       "data": [
         *         {
         *           "account": "gateway_clearing",
         *           "balance": {
         *             "amount": 1250,
         *             "currency": "GBP"
         *           }
         *         }
         *       ]
         *     }
         */
        LedgerAccounts: {
            data: {
                /** @enum {string} */
                account: "gateway_clearing" | "sales" | "sales_refunds" | "shipping" | "tax_payable" | "disputes" | "fees";
                /** @description Debits minus credits. */
                balance: components["schemas"]["Money"];
            }[];
        };
        /**
         * @description A movement of money: debits positive, credits negative, together zero.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d14",
         *       "kind": "capture",
         *       "paymentId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "orderId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "operationId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d15",
         *       "disputeId": null,
         *       "postings": [
         *         {
         *           "account": "gateway_clearing",
         *           "amount": {
         *             "amount": 1250,
         *             "currency": "GBP"
         *           }
         *         },
         *         {
         *           "account": "sales",
         *           "amount": {
         *             "amount": -1250,
         *             "currency": "GBP"
         *           }
         *         }
         *       ],
         *       "occurredAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        LedgerTransaction: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            kind: "capture" | "refund" | "refund_reversal" | "dispute" | "dispute_reversal";
            /** Format: uuid */
            paymentId: string;
            /** Format: uuid */
            orderId: string;
            /** @description The operation that moved the money. */
            operationId: string | null;
            /** @description The dispute that moved it. */
            disputeId: string | null;
            postings: {
                /** @enum {string} */
                account: "gateway_clearing" | "sales" | "sales_refunds" | "shipping" | "tax_payable" | "disputes" | "fees";
                amount: components["schemas"]["Money"];
            }[];
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            occurredAt: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        LedgerTransactionPage: {
            data: components["schemas"]["LedgerTransaction"][];
            nextCursor: string | null;
        };
        /**
         * @description E-mail address and password.
         * @example {
         *       "email": "customer@example.com",
         *       "password": "steelyard-demo"
         *     }
         */
        Login: {
            /**
             * Format: email
             * @example ada@example.com
             */
            email: string;
            /** Format: password */
            password: string;
        };
        /**
         * @description A mail is on its way, where there is somebody to read it.
         * @example {
         *       "status": "verification_sent"
         *     }
         */
        MailSent: {
            /** @enum {string} */
            status: "verification_sent" | "reset_sent" | "confirmation_sent";
        };
        /**
         * @description A token that was mailed: good once, for 15 minutes.
         * @example {
         *       "token": "vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E"
         *     }
         */
        MailedToken: {
            /** @description The token that was mailed. */
            token: string;
        };
        /**
         * @description An amount in integer minor units.
         * @example {
         *       "amount": 1250,
         *       "currency": "GBP"
         *     }
         */
        Money: {
            /** @description Minor units: pence, cents. */
            amount: number;
            /**
             * @description ISO 4217 code.
             * @example GBP
             * @enum {string}
             */
            currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
        };
        /**
         * @description A key for a machine.
         * @example {
         *       "name": "Warehouse",
         *       "scopes": [
         *         "orders:fulfil",
         *         "orders:list",
         *         "orders:read"
         *       ],
         *       "expiresAt": "2027-11-20T12:00:00.000Z"
         *     }
         */
        NewApiKey: {
            /** @description Which machine has it. */
            name: string;
            /** @description What the key may do; each is a permission of the policy. */
            scopes: ("users:read" | "users:write" | "catalog:read" | "catalog:write" | "stock:read" | "stock:write" | "orders:place" | "orders:list" | "orders:read" | "orders:pay" | "orders:cancel" | "orders:close" | "orders:fulfil" | "payments:read" | "payments:capture" | "payments:refund" | "ledger:read" | "audit:read" | "operations:read")[];
            /**
             * Format: date-time
             * @description When it ends by itself; absent: never.
             * @example 2026-11-20T12:00:00.000Z
             */
            expiresAt?: string;
        };
        /**
         * @description What the browser has made of the options, and how to call it.
         * @example {
         *       "name": "Phone",
         *       "passkey": {
         *         "id": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *         "rawId": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *         "type": "public-key",
         *         "clientExtensionResults": {},
         *         "response": {
         *           "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
         *           "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVik",
         *           "transports": [
         *             "internal"
         *           ]
         *         }
         *       }
         *     }
         */
        NewPasskey: {
            /** @description Which device or password manager has it. */
            name: string;
            passkey: components["schemas"]["PasskeyAttestation"];
        };
        /**
         * @description An order.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "number": "SY-100001",
         *       "status": "confirmed",
         *       "customerId": null,
         *       "email": "ada@example.com",
         *       "lines": [
         *         {
         *           "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "productId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d16",
         *           "sku": "DEMO-APRON",
         *           "name": "Linen apron",
         *           "quantity": 2,
         *           "unitPrice": {
         *             "amount": 3900,
         *             "currency": "GBP"
         *           },
         *           "total": {
         *             "amount": 7800,
         *             "currency": "GBP"
         *           },
         *           "fulfilledQuantity": 0,
         *           "canceledQuantity": 0,
         *           "returnedQuantity": 0,
         *           "refundedAmount": {
         *             "amount": 0,
         *             "currency": "GBP"
         *           }
         *         }
         *       ],
         *       "subtotal": {
         *         "amount": 7800,
         *         "currency": "GBP"
         *       },
         *       "shipping": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "tax": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "total": {
         *         "amount": 7800,
         *         "currency": "GBP"
         *       },
         *       "payment": {
         *         "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *         "status": "captured",
         *         "outcome": null,
         *         "declineCode": null
         *       },
         *       "shippingAddress": null,
         *       "metadata": {},
         *       "version": 2,
         *       "placedAt": "2026-11-20T12:00:00.000Z",
         *       "updatedAt": "2026-11-20T12:00:00.000Z",
         *       "closedAt": null
         *     }
         */
        Order: {
            /** Format: uuid */
            id: string;
            /** @description Short and human; never used again. */
            number: string;
            /** @enum {string} */
            status: "pending_payment" | "confirmed" | "partially_fulfilled" | "fulfilled" | "completed" | "cancel_pending" | "canceled" | "expired";
            customerId: string | null;
            email: string;
            lines: {
                /** Format: uuid */
                id: string;
                /** Format: uuid */
                productId: string;
                sku: string;
                name: string;
                quantity: number;
                unitPrice: components["schemas"]["Money"];
                total: components["schemas"]["Money"];
                fulfilledQuantity: number;
                /** @description Will never leave, since the order was closed. */
                canceledQuantity: number;
                /** @description Of what was fulfilled. */
                returnedQuantity: number;
                refundedAmount: components["schemas"]["Money"];
            }[];
            subtotal: components["schemas"]["Money"];
            shipping: components["schemas"]["Money"];
            tax: components["schemas"]["Money"];
            total: components["schemas"]["Money"];
            payment: {
                /** Format: uuid */
                id: string;
                /** @enum {string} */
                status: "requires_payment_method" | "requires_action" | "processing" | "authorized" | "partially_captured" | "captured" | "canceled" | "failed";
                /** @description `unknown`: the gateway has not told yet. Do not pay again; ask for the order later. */
                outcome: ("pending" | "unknown") | null;
                declineCode: string | null;
            };
            shippingAddress: components["schemas"]["ShippingAddress"] | null;
            metadata: {
                [key: string]: string;
            };
            /** @description Rises by one with each row of the timeline. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            placedAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            updatedAt: string;
            /** @description When its rest was given up. */
            closedAt: string | null;
            /** @description For a guest, once: send it as `X-Order-Token` to open this order. */
            orderToken?: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        OrderPage: {
            data: components["schemas"]["Order"][];
            nextCursor: string | null;
        };
        /**
         * @description What came back of an order at one time.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19",
         *       "orderId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "lines": [
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "quantity": 1,
         *           "restock": true
         *         },
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "quantity": 1,
         *           "restock": false
         *         }
         *       ],
         *       "reason": "one of two arrived chipped",
         *       "createdAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        OrderReturn: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            orderId: string;
            lines: {
                /** Format: uuid */
                lineId: string;
                quantity: number;
                /** @description Whether the pieces can be sold again. The others are noted, and change no stock. */
                restock: boolean;
            }[];
            reason: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
        };
        /** @description What came back of one order, newest first: the newest hundred. */
        OrderReturnList: {
            data: components["schemas"]["OrderReturn"][];
        };
        /**
         * @description Everything that happened to the order, newest first.
         * @example {
         *       "data": [
         *         {
         *           "version": 2,
         *           "from": "pending_payment",
         *           "to": "confirmed",
         *           "cause": "confirmed",
         *           "reason": null,
         *           "actor": "anonymous",
         *           "requestId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d18",
         *           "occurredAt": "2026-11-20T12:00:00.000Z"
         *         }
         *       ]
         *     }
         */
        OrderTimeline: {
            data: {
                version: number;
                from: ("pending_payment" | "confirmed" | "partially_fulfilled" | "fulfilled" | "completed" | "cancel_pending" | "canceled" | "expired") | null;
                /** @enum {string} */
                to: "pending_payment" | "confirmed" | "partially_fulfilled" | "fulfilled" | "completed" | "cancel_pending" | "canceled" | "expired";
                /** @description What happened: `placed`, `payment_authorized`, `payment_captured`, `payment_declined`, `payment_action_required`, `payment_outcome_unknown`, `payment_retried`, `payment_canceled`, `payment_capture_failed`, `payment_void_failed`, `payment_authorization_expired`, `payment_disputed`, `payment_dispute_updated`, `payment_needs_attention`, `refunded`, `refund_failed`, `refund_reversed`, `payment_updated`, `confirmed`, `cancel_requested`, `canceled`, `expired`, `partially_fulfilled`, `fulfilled`, `closed`, `returned`, `claimed`, `completed`. There may be more. */
                cause: string;
                reason: string | null;
                actor: string;
                requestId: string;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                occurredAt: string;
            }[];
        };
        /**
         * @description A passkey.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "name": "Phone",
         *       "synced": true,
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "lastUsedAt": null
         *     }
         */
        Passkey: {
            /** Format: uuid */
            id: string;
            name: string;
            /** @description Whether its maker keeps it for several devices. */
            synced: boolean;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /** @description null: never. */
            lastUsedAt: string | null;
        };
        /**
         * @description What `navigator.credentials.get()` gives, by its `toJSON()` (`AuthenticationResponseJSON` of WebAuthn).
         * @example {
         *       "id": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *       "rawId": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *       "type": "public-key",
         *       "clientExtensionResults": {},
         *       "response": {
         *         "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
         *         "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
         *         "signature": "MEUCIQDNrG-W1pdhRQ3zPp1dV5i9b0qIVh8yGkmcyc8nJgkU6AIgV8e2Sx0QbSmE7p9Qq6b1rOQ",
         *         "userHandle": "AZdvXo08elGcfj8fOyqdEA"
         *       }
         *     }
         */
        PasskeyAssertion: {
            /** Format: base64url */
            id: string;
            /** Format: base64url */
            rawId: string;
            /** @enum {string} */
            type: "public-key";
            authenticatorAttachment?: ("platform" | "cross-platform") | null;
            /** @default {} */
            clientExtensionResults?: {
                [key: string]: unknown;
            };
            response: {
                /** Format: base64url */
                clientDataJSON: string;
                /** Format: base64url */
                authenticatorData: string;
                /** Format: base64url */
                signature: string;
                userHandle?: string | null;
            };
        };
        /**
         * @description What `navigator.credentials.create()` gives, by its `toJSON()` (`RegistrationResponseJSON` of WebAuthn).
         * @example {
         *       "id": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *       "rawId": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *       "type": "public-key",
         *       "clientExtensionResults": {},
         *       "response": {
         *         "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
         *         "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVik",
         *         "transports": [
         *           "internal"
         *         ]
         *       }
         *     }
         */
        PasskeyAttestation: {
            /** Format: base64url */
            id: string;
            /** Format: base64url */
            rawId: string;
            /** @enum {string} */
            type: "public-key";
            authenticatorAttachment?: ("platform" | "cross-platform") | null;
            /** @default {} */
            clientExtensionResults?: {
                [key: string]: unknown;
            };
            response: {
                /** Format: base64url */
                clientDataJSON: string;
                /** Format: base64url */
                attestationObject: string;
                /** @default [] */
                transports?: string[];
            };
        };
        /**
         * @description Another name.
         * @example {
         *       "name": "Old phone"
         *     }
         */
        PasskeyChange: {
            /** @description Which device or password manager has it. */
            name: string;
        };
        /**
         * @description For `PublicKeyCredential.parseCreationOptionsFromJSON()` (`PublicKeyCredentialCreationOptionsJSON` of WebAuthn).
         * @example {
         *       "challenge": "vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E",
         *       "rp": {
         *         "id": "localhost",
         *         "name": "Steelyard"
         *       }
         *     }
         */
        PasskeyCreationOptions: {
            challenge: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * @description What the browser has signed.
         * @example {
         *       "passkey": {
         *         "id": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *         "rawId": "ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s",
         *         "type": "public-key",
         *         "clientExtensionResults": {},
         *         "response": {
         *           "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
         *           "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
         *           "signature": "MEUCIQDNrG-W1pdhRQ3zPp1dV5i9b0qIVh8yGkmcyc8nJgkU6AIgV8e2Sx0QbSmE7p9Qq6b1rOQ",
         *           "userHandle": "AZdvXo08elGcfj8fOyqdEA"
         *         }
         *       }
         *     }
         */
        PasskeyLogin: {
            passkey: components["schemas"]["PasskeyAssertion"];
        };
        /**
         * @description For `PublicKeyCredential.parseRequestOptionsFromJSON()` (`PublicKeyCredentialRequestOptionsJSON` of WebAuthn).
         * @example {
         *       "challenge": "vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E",
         *       "rpId": "localhost",
         *       "userVerification": "required"
         *     }
         */
        PasskeyRequestOptions: {
            challenge: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * @description The token that was mailed, and the new password.
         * @example {
         *       "token": "vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E",
         *       "password": "another horse battery"
         *     }
         */
        PasswordReset: {
            /** @description The token that was mailed. */
            token: string;
            /**
             * Format: password
             * @description Any characters; white space counts.
             */
            password: string;
        };
        /**
         * @description Another payment attempt.
         * @example {
         *       "method": "pm_card_visa"
         *     }
         */
        PayOrder: {
            method: string;
        };
        /**
         * @description The payment of one order.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "orderId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *       "status": "captured",
         *       "outcome": null,
         *       "resolveBy": null,
         *       "method": "pm_card_visa",
         *       "captureMode": "automatic",
         *       "amount": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       },
         *       "authorizedAmount": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       },
         *       "capturedAmount": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       },
         *       "refundedAmount": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "pendingRefundAmount": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "disputedAmount": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "authorizedUntil": null,
         *       "declineCode": null,
         *       "gateway": "sandbox",
         *       "operations": [],
         *       "refunds": [],
         *       "version": 2,
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "updatedAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        Payment: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            orderId: string;
            /** @enum {string} */
            status: "requires_payment_method" | "requires_action" | "processing" | "authorized" | "partially_captured" | "captured" | "canceled" | "failed";
            /** @description While `processing`: `unknown` means that the gateway has not told yet. Do not pay again. */
            outcome: ("pending" | "unknown") | null;
            /** @description While `processing`: when staff are asked at the latest, should nobody find out before. */
            resolveBy: string | null;
            method: string;
            /** @enum {string} */
            captureMode: "automatic" | "manual" | "on_fulfillment";
            amount: components["schemas"]["Money"];
            authorizedAmount: components["schemas"]["Money"];
            capturedAmount: components["schemas"]["Money"];
            refundedAmount: components["schemas"]["Money"];
            pendingRefundAmount: components["schemas"]["Money"];
            /** @description What banks hold because customers have complained. */
            disputedAmount: components["schemas"]["Money"];
            /** @description Until when what is authorized can be captured, where the gateway says so. */
            authorizedUntil: string | null;
            declineCode: string | null;
            gateway: string;
            /** @description What was asked of the gateway: the newest hundred. */
            operations: {
                /** Format: uuid */
                id: string;
                /** @enum {string} */
                kind: "authorize" | "capture" | "void" | "refund";
                /** @enum {string} */
                status: "created" | "sent" | "succeeded" | "declined" | "failed" | "unknown";
                amount: components["schemas"]["Money"];
                declineCode: string | null;
                /** @description Nobody can find out what became of it: an admin has to say so. */
                needsAttention: boolean;
                /** @description The admin who said so last. */
                resolvedBy: string | null;
                /** @description What the admin gave as the reason. */
                resolutionReason: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                createdAt: string;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                updatedAt: string;
            }[];
            /** @description The newest hundred. */
            refunds: components["schemas"]["Refund"][];
            version: number;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            updatedAt: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        PaymentPage: {
            data: components["schemas"]["Payment"][];
            nextCursor: string | null;
        };
        /**
         * @description All that is held about a user.
         * @example {
         *       "exportedAt": "2026-11-20T12:00:00.000Z",
         *       "profile": {
         *         "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *         "email": "ada@example.com",
         *         "name": "Ada Lovelace",
         *         "role": "customer",
         *         "emailVerified": true,
         *         "createdAt": "2026-11-20T12:00:00.000Z",
         *         "updatedAt": "2026-11-20T12:00:00.000Z"
         *       },
         *       "sessions": [],
         *       "secondFactor": {
         *         "totp": null,
         *         "passkeys": [],
         *         "recoveryCodesLeft": 0
         *       },
         *       "records": {
         *         "orders": []
         *       }
         *     }
         */
        PersonalData: {
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            exportedAt: string;
            profile: components["schemas"]["User"];
            sessions: {
                /** Format: uuid */
                id: string;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                createdAt: string;
                /**
                 * Format: date-time
                 * @description When it last got an access token.
                 * @example 2026-11-20T12:00:00.000Z
                 */
                lastUsedAt: string;
                /**
                 * Format: date-time
                 * @description When it ends unless it is used before.
                 * @example 2026-11-20T12:00:00.000Z
                 */
                expiresAt: string;
                revokedAt: string | null;
                aal: number;
                amr: string[];
            }[];
            secondFactor: components["schemas"]["SecondFactorStatus"];
            /** @description What else is held, by kind: `orders`, as the API shows them. */
            records: {
                [key: string]: {
                    [key: string]: unknown;
                }[];
            };
        };
        /**
         * @description An order to be placed.
         * @example {
         *       "lines": [
         *         {
         *           "sku": "DEMO-APRON",
         *           "quantity": 2
         *         }
         *       ],
         *       "email": "ada@example.com",
         *       "expectedTotal": {
         *         "amount": 7800,
         *         "currency": "GBP"
         *       },
         *       "payment": {
         *         "method": "pm_card_visa",
         *         "capture": "automatic"
         *       }
         *     }
         */
        PlaceOrder: {
            /**
             * Format: uuid
             * @description UUIDv7 of the new resource, chosen by the client. Made by the server when absent.
             */
            id?: string;
            lines: {
                /** Format: uuid */
                productId?: string;
                sku?: string;
                quantity: number;
            }[];
            /**
             * @description What the customer was shown: refused with `price_changed` when it is something else.
             * @example {
             *       "amount": 1250,
             *       "currency": "GBP"
             *     }
             */
            expectedTotal?: {
                /** @description Minor units: pence, cents. */
                amount: number;
                /**
                 * @description ISO 4217 code.
                 * @example GBP
                 * @enum {string}
                 */
                currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
            };
            /**
             * Format: email
             * @description Needed without an account.
             * @example ada@example.com
             */
            email?: string;
            shippingAddress?: components["schemas"]["ShippingAddress"];
            payment: {
                /**
                 * @description For instance `pm_card_visa`.
                 * @example pm_card_visa
                 */
                method: string;
                /**
                 * @description When the money is taken: at once, by staff, or as goods leave.
                 * @default automatic
                 * @enum {string}
                 */
                capture?: "automatic" | "manual" | "on_fulfillment";
            };
            /**
             * @description Your own notes: at most 50 names of 40 characters with values of 500.
             * @default {}
             */
            metadata?: {
                [key: string]: string;
            };
        };
        /**
         * @description An error, as RFC 9457 describes it.
         * @example {
         *       "type": "/docs/errors#validation_failed",
         *       "title": "The request is not valid",
         *       "status": 400,
         *       "detail": "The request is not valid",
         *       "instance": "/api/v1/orders",
         *       "code": "validation_failed",
         *       "requestId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "errors": [
         *         {
         *           "pointer": "/lines/0/quantity",
         *           "code": "too_small",
         *           "detail": "Too small: expected number to be >=1"
         *         }
         *       ]
         *     }
         */
        Problem: {
            /** @description Address of the page that explains the code. */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description Path of the request. */
            instance: string;
            /** @description Stable; branch on this one. */
            code: string;
            requestId: string;
            /** @description Every problem of the request at once. */
            errors?: ({
                pointer: string;
                code: string;
                detail: string;
            } & {
                [key: string]: unknown;
            })[];
        } & {
            [key: string]: unknown;
        };
        /**
         * @description A product of the catalog.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "sku": "MUG-STONE-350",
         *       "name": "Stoneware mug, 350 ml",
         *       "description": "Thrown by hand, glazed inside and out.",
         *       "price": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       },
         *       "active": true,
         *       "availability": "in_stock",
         *       "version": 1,
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "updatedAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        Product: {
            /** Format: uuid */
            id: string;
            sku: string;
            name: string;
            description: string | null;
            price: components["schemas"]["Money"];
            active: boolean;
            /**
             * @description `low_stock`: 5 pieces or fewer can be sold.
             * @enum {string}
             */
            availability: "out_of_stock" | "low_stock" | "in_stock";
            version: number;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            updatedAt: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        ProductPage: {
            data: components["schemas"]["Product"][];
            nextCursor: string | null;
        };
        /**
         * @description What to change; absent fields stay.
         * @example {
         *       "name": "Ada King"
         *     }
         */
        ProfileChange: {
            /** @description How to address the user. */
            name?: string;
        };
        /**
         * @description A JSON Web Key Set (RFC 7517).
         * @example {
         *       "keys": [
         *         {
         *           "kty": "OKP",
         *           "crv": "Ed25519",
         *           "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
         *           "kid": "8f14e45fceea167a",
         *           "alg": "EdDSA",
         *           "use": "sig"
         *         }
         *       ]
         *     }
         */
        PublicKeys: {
            keys: {
                kty: string;
                crv: string;
                x: string;
                kid: string;
                alg: string;
                use: string;
            }[];
        };
        /**
         * @description What the order would cost now.
         * @example {
         *       "lines": [
         *         {
         *           "productId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d16",
         *           "sku": "DEMO-APRON",
         *           "name": "Linen apron",
         *           "quantity": 2,
         *           "unitPrice": {
         *             "amount": 3900,
         *             "currency": "GBP"
         *           },
         *           "total": {
         *             "amount": 7800,
         *             "currency": "GBP"
         *           },
         *           "available": 40
         *         }
         *       ],
         *       "subtotal": {
         *         "amount": 7800,
         *         "currency": "GBP"
         *       },
         *       "shipping": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "tax": {
         *         "amount": 0,
         *         "currency": "GBP"
         *       },
         *       "total": {
         *         "amount": 7800,
         *         "currency": "GBP"
         *       },
         *       "inStock": true
         *     }
         */
        Quote: {
            lines: {
                /** Format: uuid */
                productId: string;
                sku: string;
                name: string;
                quantity: number;
                unitPrice: components["schemas"]["Money"];
                total: components["schemas"]["Money"];
                available: number;
            }[];
            subtotal: components["schemas"]["Money"];
            shipping: components["schemas"]["Money"];
            tax: components["schemas"]["Money"];
            total: components["schemas"]["Money"];
            /** @description Whether the stock covers every line now. */
            inStock: boolean;
        };
        /**
         * @description An order to be priced; the payment may be left out.
         * @example {
         *       "lines": [
         *         {
         *           "sku": "DEMO-APRON",
         *           "quantity": 2
         *         }
         *       ]
         *     }
         */
        QuoteOrder: {
            /**
             * Format: uuid
             * @description UUIDv7 of the new resource, chosen by the client. Made by the server when absent.
             */
            id?: string;
            lines: {
                /** Format: uuid */
                productId?: string;
                sku?: string;
                quantity: number;
            }[];
            /**
             * @description What the customer was shown: refused with `price_changed` when it is something else.
             * @example {
             *       "amount": 1250,
             *       "currency": "GBP"
             *     }
             */
            expectedTotal?: {
                /** @description Minor units: pence, cents. */
                amount: number;
                /**
                 * @description ISO 4217 code.
                 * @example GBP
                 * @enum {string}
                 */
                currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
            };
            /**
             * Format: email
             * @description Needed without an account.
             * @example ada@example.com
             */
            email?: string;
            shippingAddress?: components["schemas"]["ShippingAddress"];
            payment?: {
                /**
                 * @description For instance `pm_card_visa`.
                 * @example pm_card_visa
                 */
                method: string;
                /**
                 * @description When the money is taken: at once, by staff, or as goods leave.
                 * @default automatic
                 * @enum {string}
                 */
                capture?: "automatic" | "manual" | "on_fulfillment";
            };
            /**
             * @description Your own notes: at most 50 names of 40 characters with values of 500.
             * @default {}
             */
            metadata?: {
                [key: string]: string;
            };
        };
        /**
         * @description Goods that arrived, or a count of what is there.
         * @example {
         *       "kind": "receive",
         *       "quantity": 100
         *     }
         */
        RecordStockMovement: {
            /** @enum {string} */
            kind: "receive";
            quantity: number;
        } | {
            /** @enum {string} */
            kind: "adjust";
            /** @description How many pieces were counted. */
            onHand: number;
            /** @description How many the books say; guards against a stale count. */
            expectedOnHand: number;
            /** @example Yearly count */
            reason: string;
        };
        /**
         * @description The movement, and the level that it led to.
         * @example {
         *       "id": "01976f5f-11aa-7c33-8d1e-7a50c2b4e6f8",
         *       "productId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "kind": "receive",
         *       "quantity": 100,
         *       "onHandDelta": 100,
         *       "reservedDelta": 0,
         *       "orderId": null,
         *       "reason": null,
         *       "actor": "user:01976f50-0000-7000-8000-000000000001",
         *       "occurredAt": "2026-11-20T12:00:00.000Z",
         *       "stock": {
         *         "productId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *         "onHand": 120,
         *         "reserved": 20,
         *         "available": 100
         *       }
         *     }
         */
        RecordedStockMovement: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            productId: string;
            /** @enum {string} */
            kind: "receive" | "reserve" | "release" | "commit" | "ship" | "return" | "adjust";
            /** @description Pieces that moved; negative for an adjustment downwards. */
            quantity: number;
            onHandDelta: number;
            reservedDelta: number;
            /** @description The order that moved them. */
            orderId: string | null;
            reason: string | null;
            /** @description Who moved them: `user:<id>`, `key:<id>`, `system:<name>` or `anonymous`. */
            actor: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            occurredAt: string;
            stock: components["schemas"]["StockLevel"];
        };
        /**
         * @description New recovery codes, in place of all before.
         * @example {
         *       "recoveryCodes": [
         *         "JBSW-Y3DP-EHPK-3PXP"
         *       ]
         *     }
         */
        RecoveryCodes: {
            /** @description Ten codes, each good once. Shown this once: to be printed, or kept where passwords are. */
            recoveryCodes: string[];
        };
        /**
         * @description The refresh token of the session.
         * @example {
         *       "refreshToken": "AZdvXo08elGcfj8fOyqdEAAAAACF0yS7m1xHq2vE9n4TzKbXo3rW8uYpLdQfGhJkMnPsRw6c1eA5iVtZ7OxBaUyC4gNmEl0jFqSvPwT2kXrHbDi3"
         *     }
         */
        RefreshTokenBody: {
            /**
             * @description Keep it secret. Each refresh replaces it.
             * @example AZdvXo08elGcfj8fOyqdEAAAAACF0yS7m1xHq2vE9n4TzKbXo3rW8uYpLdQfGhJkMnPsRw6c1eA5iVtZ7OxBaUyC4gNmEl0jFqSvPwT2kXrHbDi3
             */
            refreshToken: string;
        };
        /**
         * @description Money given back, or on its way. A failed refund frees what it had reserved.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13",
         *       "paymentId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "status": "succeeded",
         *       "amount": {
         *         "amount": 1250,
         *         "currency": "GBP"
         *       },
         *       "reason": "damaged in transit",
         *       "lines": [
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "amount": {
         *             "amount": 1250,
         *             "currency": "GBP"
         *           }
         *         }
         *       ],
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "updatedAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        Refund: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            paymentId: string;
            /** @enum {string} */
            status: "pending" | "succeeded" | "failed";
            amount: components["schemas"]["Money"];
            reason: string | null;
            lines: {
                /** Format: uuid */
                lineId: string;
                amount: components["schemas"]["Money"];
            }[];
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            updatedAt: string;
        };
        /**
         * @description An amount, or lines, or neither: then everything that is left is refunded.
         * @example {
         *       "lines": [
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "amount": {
         *             "amount": 1250,
         *             "currency": "GBP"
         *           }
         *         }
         *       ],
         *       "reason": "damaged in transit"
         *     }
         */
        RefundPayment: {
            /**
             * Format: uuid
             * @description UUIDv7 of the new resource, chosen by the client. Made by the server when absent.
             */
            id?: string;
            /**
             * @example {
             *       "amount": 1250,
             *       "currency": "GBP"
             *     }
             */
            amount?: {
                /** @description Minor units: pence, cents. */
                amount: number;
                /**
                 * @description ISO 4217 code.
                 * @example GBP
                 * @enum {string}
                 */
                currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
            };
            /** @description Lines of the order; a line without an amount is refunded as far as it is left. */
            lines?: {
                /** Format: uuid */
                lineId: string;
                /**
                 * @example {
                 *       "amount": 1250,
                 *       "currency": "GBP"
                 *     }
                 */
                amount?: {
                    /** @description Minor units: pence, cents. */
                    amount: number;
                    /**
                     * @description ISO 4217 code.
                     * @example GBP
                     * @enum {string}
                     */
                    currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
                };
            }[];
            reason?: string;
        };
        /**
         * @description A new customer.
         * @example {
         *       "email": "ada@example.com",
         *       "password": "correct horse battery",
         *       "name": "Ada Lovelace"
         *     }
         */
        Registration: {
            /**
             * Format: uuid
             * @description UUIDv7 of the new resource, chosen by the client. Made by the server when absent.
             */
            id?: string;
            /**
             * Format: email
             * @example ada@example.com
             */
            email: string;
            /**
             * Format: password
             * @description Any characters; white space counts.
             */
            password: string;
            /** @description How to address the user. */
            name: string;
        };
        /**
         * @description What became of an operation, as the books of the gateway show it.
         * @example {
         *       "outcome": "failed",
         *       "reason": "The dashboard of the gateway knows nothing of it."
         *     }
         */
        ResolveOperation: {
            /** @enum {string} */
            outcome: "succeeded";
            /** @description What the gateway calls the effect. */
            gatewayId: string;
            /** @description Why: it is kept with the operation. */
            reason: string;
        } | {
            /** @enum {string} */
            outcome: "failed";
            /** @description Why: it is kept with the operation. */
            reason: string;
        } | {
            /** @enum {string} */
            outcome: "ask_again";
            /** @description Why: it is kept with the operation. */
            reason: string;
        };
        /**
         * @description Pieces of lines that came back.
         * @example {
         *       "lines": [
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "quantity": 1,
         *           "restock": true
         *         },
         *         {
         *           "lineId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12",
         *           "quantity": 1,
         *           "restock": false
         *         }
         *       ],
         *       "reason": "one of two arrived chipped"
         *     }
         */
        ReturnOrder: {
            /**
             * Format: uuid
             * @description UUIDv7 of the new resource, chosen by the client. Made by the server when absent.
             */
            id?: string;
            lines: {
                /** Format: uuid */
                lineId: string;
                quantity: number;
                /** @description Whether the pieces can be sold again. The others are noted, and change no stock. */
                restock: boolean;
            }[];
            reason?: string;
        };
        /**
         * @description The password, and the proof of a second factor: one of the other fields.
         * @example {
         *       "password": "correct horse battery",
         *       "totp": "492039"
         *     }
         */
        SecondFactorConfirmation: {
            /** Format: password */
            password: string;
            /**
             * @description The code that the authenticator app shows; each is good once.
             * @example 492039
             */
            totp?: string;
            /**
             * @description One of the recovery codes; each is good once.
             * @example JBSW-Y3DP-EHPK-3PXP
             */
            recoveryCode?: string;
            passkey?: components["schemas"]["PasskeyAssertion"];
        };
        /**
         * @description The password, to be sure that it is you.
         * @example {
         *       "password": "correct horse battery"
         *     }
         */
        SecondFactorEnrolment: {
            /** Format: password */
            password: string;
        };
        /**
         * @description The token that the log-in answered with, and the proof of a second factor: one of the other fields.
         * @example {
         *       "challengeToken": "vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E",
         *       "totp": "492039"
         *     }
         */
        SecondFactorLogin: {
            /** @description From the problem `second_factor_required`. */
            challengeToken: string;
            /**
             * @description The code that the authenticator app shows; each is good once.
             * @example 492039
             */
            totp?: string;
            /**
             * @description One of the recovery codes; each is good once.
             * @example JBSW-Y3DP-EHPK-3PXP
             */
            recoveryCode?: string;
            passkey?: components["schemas"]["PasskeyAssertion"];
        };
        /**
         * @description What a user has as a second factor.
         * @example {
         *       "totp": {
         *         "enrolledAt": "2026-11-20T12:00:00.000Z"
         *       },
         *       "passkeys": [
         *         {
         *           "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *           "name": "Phone",
         *           "synced": true,
         *           "createdAt": "2026-11-20T12:00:00.000Z",
         *           "lastUsedAt": null
         *         }
         *       ],
         *       "recoveryCodesLeft": 10
         *     }
         */
        SecondFactorStatus: {
            /** @description The authenticator app; null: none. */
            totp: {
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                enrolledAt: string;
            } | null;
            /** @description Oldest first. */
            passkeys: components["schemas"]["Passkey"][];
            recoveryCodesLeft: number;
        };
        /**
         * @description One log-in that has not ended.
         * @example {
         *       "id": "01976f5e-9a10-7b3c-8f2d-6c1e5a4b3d20",
         *       "current": true,
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "lastUsedAt": "2026-11-20T12:15:00.000Z",
         *       "expiresAt": "2026-12-20T12:15:00.000Z"
         *     }
         */
        Session: {
            /** Format: uuid */
            id: string;
            /** @description Whether it is the session of this very call. */
            current: boolean;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it last got an access token.
             * @example 2026-11-20T12:00:00.000Z
             */
            lastUsedAt: string;
            /**
             * Format: date-time
             * @description When it ends unless it is used before.
             * @example 2026-11-20T12:00:00.000Z
             */
            expiresAt: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        SessionPage: {
            data: components["schemas"]["Session"][];
            nextCursor: string | null;
        };
        /**
         * @description What was done about a contradiction.
         * @example {
         *       "reason": "Refunded in the dashboard of the gateway."
         *     }
         */
        SettleReport: {
            /** @description What was done about it. */
            reason: string;
        };
        /**
         * @description Where the goods go.
         * @example {
         *       "name": "Ada Lovelace",
         *       "line1": "12 St James’s Square",
         *       "city": "London",
         *       "postalCode": "SW1Y 4JH",
         *       "country": "GB"
         *     }
         */
        ShippingAddress: {
            name?: string;
            line1?: string;
            line2?: string;
            city?: string;
            region?: string;
            postalCode?: string;
            /** @example GB */
            country: string;
        };
        /**
         * @description The proof of a second factor: one of the fields.
         * @example {
         *       "totp": "492039"
         *     }
         */
        StepUp: {
            /**
             * @description The code that the authenticator app shows; each is good once.
             * @example 492039
             */
            totp?: string;
            /**
             * @description One of the recovery codes; each is good once.
             * @example JBSW-Y3DP-EHPK-3PXP
             */
            recoveryCode?: string;
            passkey?: components["schemas"]["PasskeyAssertion"];
        };
        /**
         * @description The stock of one product.
         * @example {
         *       "productId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "onHand": 120,
         *       "reserved": 20,
         *       "available": 100
         *     }
         */
        StockLevel: {
            /** Format: uuid */
            productId: string;
            /** @description Pieces in the house. */
            onHand: number;
            /** @description Pieces among them that belong to orders. */
            reserved: number;
            /** @description Pieces that can be sold. */
            available: number;
        };
        /**
         * @description An entry of the journal. The deltas of all entries of a product add up to its level.
         * @example {
         *       "id": "01976f5f-11aa-7c33-8d1e-7a50c2b4e6f8",
         *       "productId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "kind": "receive",
         *       "quantity": 100,
         *       "onHandDelta": 100,
         *       "reservedDelta": 0,
         *       "orderId": null,
         *       "reason": null,
         *       "actor": "user:01976f50-0000-7000-8000-000000000001",
         *       "occurredAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        StockMovement: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            productId: string;
            /** @enum {string} */
            kind: "receive" | "reserve" | "release" | "commit" | "ship" | "return" | "adjust";
            /** @description Pieces that moved; negative for an adjustment downwards. */
            quantity: number;
            onHandDelta: number;
            reservedDelta: number;
            /** @description The order that moved them. */
            orderId: string | null;
            reason: string | null;
            /** @description Who moved them: `user:<id>`, `key:<id>`, `system:<name>` or `anonymous`. */
            actor: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            occurredAt: string;
        };
        /** @description One page. `nextCursor` is null on the last. */
        StockMovementPage: {
            data: components["schemas"]["StockMovement"][];
            nextCursor: string | null;
        };
        /**
         * @description What does not come to an end by itself, or takes unusually long: a hundred of each.
         * @example {
         *       "orders": [],
         *       "operations": [
         *         {
         *           "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d15",
         *           "kind": "authorize",
         *           "status": "unknown",
         *           "paymentId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *           "orderId": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11",
         *           "amount": {
         *             "amount": 1250,
         *             "currency": "GBP"
         *           },
         *           "attempts": 14,
         *           "needsAttention": true,
         *           "createdAt": "2026-11-20T12:00:00.000Z"
         *         }
         *       ],
         *       "refusals": [],
         *       "contradictions": [],
         *       "reports": []
         *     }
         */
        Stuck: {
            /** @description Cancellations that wait: cancel again to have the next step tried once more. */
            orders: {
                /** Format: uuid */
                id: string;
                number: string;
                /** @enum {string} */
                status: "pending_payment" | "confirmed" | "partially_fulfilled" | "fulfilled" | "completed" | "cancel_pending" | "canceled" | "expired";
                /** Format: uuid */
                paymentId: string;
                /** @enum {string} */
                paymentStatus: "requires_payment_method" | "requires_action" | "processing" | "authorized" | "partially_captured" | "captured" | "canceled" | "failed";
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                updatedAt: string;
            }[];
            /** @description Open for unusually long; what needs attention waits for `POST /admin/operations/{id}/resolve`. */
            operations: {
                /** Format: uuid */
                id: string;
                kind: string;
                status: string;
                /** Format: uuid */
                paymentId: string;
                /** Format: uuid */
                orderId: string;
                amount: components["schemas"]["Money"];
                attempts: number;
                needsAttention: boolean;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                createdAt: string;
            }[];
            /** @description Captures, voids and refunds that the gateway refused, or took back, and that nobody has done since: newest first. */
            refusals: {
                /** Format: uuid */
                operationId: string;
                kind: string;
                /** Format: uuid */
                paymentId: string;
                /** Format: uuid */
                orderId: string;
                amount: components["schemas"]["Money"];
                declineCode: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                refusedAt: string;
            }[];
            /** @description What the gateway says has happened although the books say that it has not: newest first, until somebody settles it by `POST /admin/reports/{id}/settle`. */
            contradictions: {
                id: string;
                gateway: string;
                type: string;
                operationId: string | null;
                gatewayPaymentId: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                receivedAt: string;
            }[];
            /** @description Reports of the gateway that cannot be applied yet; they are tried again. */
            reports: {
                id: string;
                gateway: string;
                type: string;
                status: string;
                attempts: number;
                /**
                 * Format: date-time
                 * @example 2026-11-20T12:00:00.000Z
                 */
                receivedAt: string;
            }[];
        };
        /**
         * @description The tokens of a session and whose it is.
         * @example {
         *       "accessToken": "eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJzdWIiOiIwMTk3NmY1ZSJ9.c2lnbmF0dXJl",
         *       "tokenType": "Bearer",
         *       "expiresIn": 900,
         *       "refreshToken": "AZdvXo08elGcfj8fOyqdEAAAAACF0yS7m1xHq2vE9n4TzKbXo3rW8uYpLdQfGhJkMnPsRw6c1eA5iVtZ7OxBaUyC4gNmEl0jFqSvPwT2kXrHbDi3",
         *       "user": {
         *         "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *         "email": "ada@example.com",
         *         "name": "Ada Lovelace",
         *         "role": "customer",
         *         "emailVerified": true,
         *         "createdAt": "2026-11-20T12:00:00.000Z",
         *         "updatedAt": "2026-11-20T12:00:00.000Z"
         *       }
         *     }
         */
        Tokens: {
            /** @description Goes into `Authorization: Bearer …`. */
            accessToken: string;
            /** @enum {string} */
            tokenType: "Bearer";
            /** @description Life of the access token, in seconds. */
            expiresIn: number;
            /**
             * @description Keep it secret. Each refresh replaces it.
             * @example AZdvXo08elGcfj8fOyqdEAAAAACF0yS7m1xHq2vE9n4TzKbXo3rW8uYpLdQfGhJkMnPsRw6c1eA5iVtZ7OxBaUyC4gNmEl0jFqSvPwT2kXrHbDi3
             */
            refreshToken: string;
            user: components["schemas"]["User"];
        };
        /**
         * @description The first code that the app shows.
         * @example {
         *       "totp": "492039"
         *     }
         */
        TotpCode: {
            /**
             * @description The code that the authenticator app shows; each is good once.
             * @example 492039
             */
            totp: string;
        };
        /**
         * @description The authenticator app is a second factor from now on.
         * @example {
         *       "recoveryCodes": [
         *         "JBSW-Y3DP-EHPK-3PXP"
         *       ]
         *     }
         */
        TotpConfirmed: {
            /** @description With the first second factor ten codes, each good once and shown this once; null with each further one. */
            recoveryCodes: string[] | null;
        };
        /**
         * @description What the authenticator app has to be told. Shown this once.
         * @example {
         *       "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
         *       "uri": "otpauth://totp/Steelyard:ada%40example.com?issuer=Steelyard&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30"
         *     }
         */
        TotpSecret: {
            /**
             * Format: password
             * @description Base32, for whoever types it into the app.
             */
            secret: string;
            /** @description `otpauth://totp/…`, for a QR code that the app reads. */
            uri: string;
        };
        /**
         * @description Whether the books balance.
         * @example {
         *       "accounts": [
         *         {
         *           "account": "gateway_clearing",
         *           "balance": {
         *             "amount": 1250,
         *             "currency": "GBP"
         *           }
         *         },
         *         {
         *           "account": "sales",
         *           "balance": {
         *             "amount": -1250,
         *             "currency": "GBP"
         *           }
         *         }
         *       ],
         *       "totals": [
         *         {
         *           "amount": 0,
         *           "currency": "GBP"
         *         }
         *       ],
         *       "balanced": true
         *     }
         */
        TrialBalance: {
            accounts: {
                /** @enum {string} */
                account: "gateway_clearing" | "sales" | "sales_refunds" | "shipping" | "tax_payable" | "disputes" | "fees";
                /** @description Debits minus credits. */
                balance: components["schemas"]["Money"];
            }[];
            /** @description The sum of all accounts per currency: zero. */
            totals: components["schemas"]["Money"][];
            balanced: boolean;
        };
        /**
         * @description The fields to change; the others stay as they are. `description: null` removes it.
         * @example {
         *       "price": {
         *         "amount": 1350,
         *         "currency": "GBP"
         *       }
         *     }
         */
        UpdateProduct: {
            /**
             * @description Stock keeping unit: unique, and upper and lower case differ.
             * @example MUG-STONE-350
             */
            sku?: string;
            /** @example Stoneware mug, 350 ml */
            name?: string;
            /** @example Thrown by hand, glazed inside and out. */
            description?: string | null;
            /**
             * @description Replaces amount and currency. Orders that were placed keep the price they were placed at.
             * @example {
             *       "amount": 1250,
             *       "currency": "GBP"
             *     }
             */
            price?: {
                /** @description Minor units: pence, cents. */
                amount: number;
                /**
                 * @description ISO 4217 code.
                 * @example GBP
                 * @enum {string}
                 */
                currency: "AED" | "AUD" | "BGN" | "BHD" | "BRL" | "CAD" | "CHF" | "CLP" | "CNY" | "COP" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP" | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "ISK" | "JOD" | "JPY" | "KRW" | "KWD" | "MAD" | "MXN" | "MYR" | "NOK" | "NZD" | "OMR" | "PHP" | "PLN" | "QAR" | "RON" | "RSD" | "SAR" | "SEK" | "SGD" | "THB" | "TND" | "TRY" | "TWD" | "UAH" | "UGX" | "USD" | "VND" | "ZAR";
            };
            /** @description Whether shoppers see it and can order it. */
            active?: boolean;
        };
        /**
         * @description A user.
         * @example {
         *       "id": "01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10",
         *       "email": "ada@example.com",
         *       "name": "Ada Lovelace",
         *       "role": "customer",
         *       "emailVerified": true,
         *       "createdAt": "2026-11-20T12:00:00.000Z",
         *       "updatedAt": "2026-11-20T12:00:00.000Z"
         *     }
         */
        User: {
            /** Format: uuid */
            id: string;
            /** Format: email */
            email: string;
            name: string;
            /**
             * @description Each role includes the ones before it.
             * @enum {string}
             */
            role: "customer" | "staff" | "admin";
            /** @description Whether the user has shown to read the mail of the address. */
            emailVerified: boolean;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T12:00:00.000Z
             */
            updatedAt: string;
        };
        /**
         * @description What to change; absent fields stay.
         * @example {
         *       "role": "staff"
         *     }
         */
        UserChange: {
            /** @description How to address the user. */
            name?: string;
            /**
             * @description Each role includes the ones before it.
             * @enum {string}
             */
            role?: "customer" | "staff" | "admin";
        };
        /** @description One page. `nextCursor` is null on the last. */
        UserPage: {
            data: components["schemas"]["User"][];
            nextCursor: string | null;
        };
        /**
         * @description It is kept.
         * @example {
         *       "received": true
         *     }
         */
        WebhookReceipt: {
            /** @enum {boolean} */
            received: true;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listPublicKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A JSON Web Key Set (RFC 7517). */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicKeys"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description Who did it: `user:<id>`. */
                actor?: string;
                /** @description Method and route: `POST /payments/:id/capture`. */
                action?: string;
                /** @description The id that it was done to. */
                target?: string;
                /** @description Not before this time. */
                after?: string;
                /** @description Before this time. */
                before?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    verifyAuditLog: {
        parameters: {
            query?: {
                /** @description The position of a head that was noted earlier. */
                position?: number;
                /** @description Its hash. */
                hash?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the audit log is as it was written. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditVerification"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getInvariants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How the twelve invariants stand. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvariantsReport"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    freezeCaptures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FreezeCaptures"];
            };
        };
        responses: {
            /** @description Whether money is captured. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Captures"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    liftFreeze: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FreezeCaptures"];
            };
        };
        responses: {
            /** @description Whether money is captured. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Captures"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resolve: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResolveOperation"];
            };
        };
        responses: {
            /** @description The payment of one order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Payment"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `operation_not_found`: There is no such operation. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `operation_not_stuck`: The operation needs no decision of staff: it is resolved, or still being found out about.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettleReport"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `report_not_found`: There is no such report that contradicts the books. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listStuck: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What does not come to an end by itself, or takes unusually long: a hundred of each. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stuck"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    issueApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApiKey"];
            };
        };
        responses: {
            /** @description A new key, with what the machine sends. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedApiKey"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `api_key_expiry_past`: The end of an API key must lie in the future.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_not_found`: There is no such API key. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirmEmailChange: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MailedToken"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_or_expired_token`: The token is wrong, was used, or has expired.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `email_taken`: A user with this e-mail address exists already. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    forgotPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmailBody"];
            };
        };
        responses: {
            /** @description A mail is on its way, where there is somebody to read it. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MailSent"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description The tokens of a session and whose it is. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_credentials`: The e-mail address or the password is wrong. */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `email_not_verified`: The e-mail address is not confirmed yet: use the token that was mailed to it.
             *
             *     `second_factor_required`: The password is right; this account asks for a second factor as well.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshTokenBody"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    loginWithPasskey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyLogin"];
            };
        };
        responses: {
            /** @description The tokens of a session and whose it is. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_or_expired_token`: The token is wrong, was used, or has expired.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_passkey`: The passkey opens no account here. */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `email_not_verified`: The e-mail address is not confirmed yet: use the token that was mailed to it. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    passkeyLoginOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description For `PublicKeyCredential.parseRequestOptionsFromJSON()` (`PublicKeyCredentialRequestOptionsJSON` of WebAuthn). */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyRequestOptions"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refreshTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshTokenBody"];
            };
        };
        responses: {
            /** @description The tokens of a session and whose it is. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_refresh_token`: The refresh token is not valid, or not any more: log in again.
             *
             *     `refresh_token_reused`: The refresh token was replaced long ago; the session has ended in case it was stolen: log in again.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resendVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmailBody"];
            };
        };
        responses: {
            /** @description A mail is on its way, where there is somebody to read it. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MailSent"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordReset"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_or_expired_token`: The token is wrong, was used, or has expired.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    finishLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorLogin"];
            };
        };
        responses: {
            /** @description The tokens of a session and whose it is. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_or_expired_token`: The token is wrong, was used, or has expired.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `wrong_second_factor`: The second factor is wrong, or was used already. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stepUp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["StepUp"];
            };
        };
        responses: {
            /** @description An access token of the session. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessToken"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_second_factor`: The second factor is wrong, or was used already.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stepUpPasskeyOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description For `PublicKeyCredential.parseRequestOptionsFromJSON()` (`PublicKeyCredentialRequestOptionsJSON` of WebAuthn). */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyRequestOptions"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    verifyEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MailedToken"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_or_expired_token`: The token is wrong, was used, or has expired.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listDisputes: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                status?: "inquiry" | "needs_response" | "under_review" | "won" | "lost" | "closed";
                paymentId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DisputePage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getDispute: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A customer has complained to their bank about a payment. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dispute"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `dispute_not_found`: There is no such dispute. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLedgerAccounts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The balance of every account in every currency. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerAccounts"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLedgerTransactions: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                orderId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerTransactionPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getTrialBalance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the books balance. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrialBalance"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listOrders: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                status?: "pending_payment" | "confirmed" | "partially_fulfilled" | "fulfilled" | "completed" | "cancel_pending" | "canceled" | "expired";
                /** @description Staff only. */
                customerId?: string;
                placedAfter?: string;
                placedBefore?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    place: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlaceOrder"];
            };
        };
        responses: {
            /** @description An order. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description An order. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `email_required`: An order without an account needs an email.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_token`: The access token is not valid, or not any more. */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `payment_declined`: The payment was declined; the order waits for another attempt.
             *
             *     `payment_action_required`: The payment needs an action of the customer; the order waits for another attempt.
             */
            402: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `price_changed`: The total is not the expected one.
             *
             *     `order_exists`: There is an order with this id already.
             *
             *     `insufficient_stock`: There is not enough stock.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `unknown_product`: A line names a product that is not for sale.
             *
             *     `mixed_currencies`: The products of one order must be priced in one currency.
             *
             *     `amount_out_of_range`: The amount is too large to be represented exactly.
             *
             *     `unknown_payment_method`: The payment method is not known to the gateway.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `captures_frozen`: No money is captured until the books have been looked at.
             *
             *     `service_unavailable`: The service cannot take this request now.
             */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    claim: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ClaimOrders"];
            };
        };
        responses: {
            /** @description What was claimed. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClaimedOrders"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `email_not_verified`: The e-mail address is not confirmed yet: use the token that was mailed to it.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_in_progress`: A call with this Idempotency-Key is still running. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    quote: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuoteOrder"];
            };
        };
        responses: {
            /** @description What the order would cost now. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quote"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_token`: The access token is not valid, or not any more. */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `price_changed`: The total is not the expected one. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `unknown_product`: A line names a product that is not for sale.
             *
             *     `mixed_currencies`: The products of one order must be priced in one currency.
             *
             *     `amount_out_of_range`: The amount is too large to be represented exactly.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getOrder: {
        parameters: {
            query?: never;
            header?: {
                /** @description For a guest: the `orderToken` of the order. */
                "X-Order-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel: {
        parameters: {
            query?: never;
            header: {
                /** @description For a guest: the `orderToken` of the order. */
                "X-Order-Token"?: string;
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CancelOrder"];
            };
        };
        responses: {
            /** @description An order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description An order. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `order_state_conflict`: The order is in a state that does not allow this.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    close: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CloseOrder"];
            };
        };
        responses: {
            /** @description An order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description An order. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `order_state_conflict`: The order is in a state that does not allow this.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `captures_frozen`: No money is captured until the books have been looked at.
             *
             *     `service_unavailable`: The service cannot take this request now.
             */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listFulfillments: {
        parameters: {
            query?: never;
            header?: {
                /** @description For a guest: the `orderToken` of the order. */
                "X-Order-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What left the house of one order, newest first: the newest hundred. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FulfillmentList"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    fulfil: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FulfilOrder"];
            };
        };
        responses: {
            /** @description What left the house in one parcel. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fulfillment"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `order_state_conflict`: The order is in a state that does not allow this.
             *
             *     `quantity_exceeds_open`: More would be fulfilled than is open on the line.
             *
             *     `payment_operation_open`: Another operation of this kind is still open on the payment.
             *
             *     `payment_does_not_cover`: The payment does not cover what would leave the house.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `unknown_order_line`: The order has no such line.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `captures_frozen`: No money is captured until the books have been looked at.
             *
             *     `service_unavailable`: The service cannot take this request now.
             */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pay: {
        parameters: {
            query?: never;
            header: {
                /** @description For a guest: the `orderToken` of the order. */
                "X-Order-Token"?: string;
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PayOrder"];
            };
        };
        responses: {
            /** @description An order. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description An order. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `payment_declined`: The payment was declined; the order waits for another attempt.
             *
             *     `payment_action_required`: The payment needs an action of the customer; the order waits for another attempt.
             */
            402: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `order_state_conflict`: The order is in a state that does not allow this.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `unknown_payment_method`: The payment method is not known to the gateway.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `captures_frozen`: No money is captured until the books have been looked at.
             *
             *     `service_unavailable`: The service cannot take this request now.
             */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listReturns: {
        parameters: {
            query?: never;
            header?: {
                /** @description For a guest: the `orderToken` of the order. */
                "X-Order-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What came back of one order, newest first: the newest hundred. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderReturnList"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    returnPieces: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReturnOrder"];
            };
        };
        responses: {
            /** @description What came back of an order at one time. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderReturn"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `order_state_conflict`: The order is in a state that does not allow this.
             *
             *     `quantity_exceeds_fulfilled`: More would be returned than was fulfilled of the line and not returned yet.
             *
             *     `return_exists`: There is a return with this id already.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `unknown_order_line`: The order has no such line.
             *
             *     `stock_limit_exceeded`: More stock than one product can hold.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getOrderTimeline: {
        parameters: {
            query?: never;
            header?: {
                /** @description For a guest: the `orderToken` of the order. */
                "X-Order-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Everything that happened to the order, newest first. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderTimeline"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `order_not_found`: There is no such order. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    receive: {
        parameters: {
            query?: never;
            header?: {
                /** @description From Stripe: the signature over the body. */
                "Stripe-Signature"?: string;
            };
            path: {
                gateway: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["GatewayWebhook"];
            };
        };
        responses: {
            /** @description It is kept. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookReceipt"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `webhook_signature_invalid`: The webhook was not signed by the gateway, or too long ago.
             *
             *     `webhook_malformed`: The webhook is no event of the gateway.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_gateway`: No gateway of this name is in use. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPayments: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                status?: "requires_payment_method" | "requires_action" | "processing" | "authorized" | "partially_captured" | "captured" | "canceled" | "failed";
                orderId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PaymentPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPayment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The payment of one order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Payment"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `payment_not_found`: There is no such payment. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelPayment: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CancelPayment"];
            };
        };
        responses: {
            /** @description The payment of one order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Payment"];
                };
            };
            /** @description The payment of one order. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Payment"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `payment_not_found`: There is no such payment. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `payment_state_conflict`: The payment is in a state that does not allow this.
             *
             *     `payment_operation_open`: Another operation of this kind is still open on the payment.
             *
             *     `void_failed`: The gateway refused to void the authorization.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    capture: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CapturePayment"];
            };
        };
        responses: {
            /** @description The payment of one order. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Payment"];
                };
            };
            /** @description The payment of one order. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Payment"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `payment_not_found`: There is no such payment. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `payment_state_conflict`: The payment is in a state that does not allow this.
             *
             *     `payment_operation_open`: Another operation of this kind is still open on the payment.
             *
             *     `capture_exceeds_authorized`: More would be captured than was authorized.
             *
             *     `capture_failed`: The gateway refused to capture.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `currency_mismatch`: Amounts of different currencies do not combine.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `captures_frozen`: No money is captured until the books have been looked at.
             *
             *     `service_unavailable`: The service cannot take this request now.
             */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refund: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RefundPayment"];
            };
        };
        responses: {
            /** @description Money given back, or on its way. A failed refund frees what it had reserved. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Refund"];
                };
            };
            /** @description Money given back, or on its way. A failed refund frees what it had reserved. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Refund"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `payment_not_found`: There is no such payment. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `payment_state_conflict`: The payment is in a state that does not allow this.
             *
             *     `refund_exists`: There is a refund with this id already.
             *
             *     `refund_exceeds_captured`: More would be refunded than was captured.
             *
             *     `refund_exceeds_line`: More would be refunded for a line than was paid for it.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `unknown_refund_line`: The order has no such line.
             *
             *     `currency_mismatch`: Amounts of different currencies do not combine.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listProducts: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description Part of the SKU or the name; case does not matter. */
                q?: string;
                /** @description The exact SKU. */
                sku?: string;
                /** @description Staff may ask for inactive products; nobody else ever sees one. */
                active?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_token`: The access token is not valid, or not any more. */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createProduct: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateProduct"];
            };
        };
        responses: {
            /** @description A product of the catalog. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `sku_taken`: Another product has this SKU.
             *
             *     `product_exists`: A product with this id exists already.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    importProducts: {
        parameters: {
            query?: {
                /** @description Imports the good rows although others are faulty. */
                partial?: "true" | "false";
            };
            header?: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example sku,name,description,price_amount,currency,active
                 *     MUG-STONE-350,"Stoneware mug, 350 ml",Thrown by hand.,1250,GBP,true
                 */
                "text/csv": string;
                /** @example {"sku":"MUG-STONE-350","name":"Stoneware mug, 350 ml","price":{"amount":1250,"currency":"GBP"}} */
                "application/x-ndjson": string;
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            /** @description What became of the rows. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportResult"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `import_malformed`: The import cannot be read.
             *
             *     `import_header_invalid`: The first line must name the columns of a product.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_in_progress`: A call with this Idempotency-Key is still running. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `import_too_large`: The import is larger than 256 MiB.
             *
             *     `import_row_too_large`: A row of the import is larger than 1 MiB.
             *
             *     `body_too_large`: The body is larger than 1 MiB.
             */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `unsupported_media_type`: The content type is not supported here.
             *
             *     `unsupported_media_type`: The content type is not supported here.
             */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `import_rejected`: The import holds faulty rows; nothing was stored.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getProduct: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the representation that the client has: 304 when it is still the current one. */
                "If-None-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A product of the catalog. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"];
                };
            };
            /** @description Done; the answer has no body. */
            304: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_token`: The access token is not valid, or not any more. */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `product_not_found`: There is no such product. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateProduct: {
        parameters: {
            query?: never;
            header: {
                /** @description The ETag of the version to change. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["UpdateProduct"];
            };
        };
        responses: {
            /** @description A product of the catalog. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `product_not_found`: There is no such product. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sku_taken`: Another product has this SKU. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `stale_etag`: The resource has changed since that ETag. */
            412: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `if_match_required`: This call needs an If-Match header with the ETag. */
            428: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getStock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stock of one product. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockLevel"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `product_not_found`: There is no such product. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listStockMovements: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockMovementPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `product_not_found`: There is no such product. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    recordStockMovement: {
        parameters: {
            query?: never;
            header: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecordStockMovement"];
            };
        };
        responses: {
            /** @description The movement, and the level that it led to. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordedStockMovement"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `product_not_found`: There is no such product. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `stale_quantity`: The quantity on hand is not the expected one.
             *
             *     `stock_reserved`: More pieces are reserved than the adjustment would leave.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload.
             *
             *     `stock_limit_exceeded`: More stock than one product can hold.
             */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listUsers: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description How the e-mail address or the name begins; case does not matter. */
                q?: string;
                /** @description Each role includes the ones before it. */
                role?: "customer" | "staff" | "admin";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    registerUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Registration"];
            };
        };
        responses: {
            /** @description A user. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description A mail is on its way, where there is somebody to read it. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description `true` when this is the stored answer of an earlier call with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MailSent"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `idempotency_key_required`: This call needs an Idempotency-Key header.
             *
             *     `idempotency_key_invalid`: The Idempotency-Key is empty, too long or not printable.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `idempotency_in_progress`: A call with this Idempotency-Key is still running.
             *
             *     `email_taken`: A user with this e-mail address exists already.
             *
             *     `user_id_taken`: A user with this id exists already.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The Idempotency-Key was used for a call with another payload. */
            422: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A user. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    eraseMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Erasure"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `last_admin`: The last administrator cannot lose the role.
             *
             *     `orders_open`: Orders that are not at their end still need the person.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateMe: {
        parameters: {
            query?: never;
            header: {
                /** @description The ETag of the version to change. */
                "If-Match": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ProfileChange"];
            };
        };
        responses: {
            /** @description A user. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `stale_etag`: The resource has changed since that ETag. */
            412: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `if_match_required`: This call needs an If-Match header with the ETag. */
            428: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeMyEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmailChange"];
            };
        };
        responses: {
            /** @description A mail is on its way, where there is somebody to read it. */
            202: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MailSent"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    exportMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that is held about a user. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersonalData"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    addPasskey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPasskey"];
            };
        };
        responses: {
            /** @description The new passkey. */
            201: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddedPasskey"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `passkey_not_accepted`: The passkey cannot be accepted.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `passkey_limit_reached`: The account has as many passkeys as it may have. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    passkeyOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorEnrolment"];
            };
        };
        responses: {
            /** @description For `PublicKeyCredential.parseCreationOptionsFromJSON()` (`PublicKeyCredentialCreationOptionsJSON` of WebAuthn). */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyCreationOptions"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removePasskey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorConfirmation"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             *
             *     `wrong_second_factor`: The second factor is wrong, or was used already.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `passkey_not_found`: There is no such passkey.
             *
             *     `user_not_found`: There is no such user.
             */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    renamePasskey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyChange"];
            };
        };
        responses: {
            /** @description A passkey. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Passkey"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `passkey_not_found`: There is no such passkey. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replaceRecoveryCodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorConfirmation"];
            };
        };
        responses: {
            /** @description New recovery codes, in place of all before. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             *
             *     `wrong_second_factor`: The second factor is wrong, or was used already.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `no_second_factor`: The account has no second factor. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMySecondFactor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What a user has as a second factor. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecondFactorStatus"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMySessions: {
        parameters: {
            query?: {
                /** @description Rows per page, 1 to 100. */
                limit?: number;
                /** @description `nextCursor` of the page before, with the same filters. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. `nextCursor` is null on the last. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionPage"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `invalid_cursor`: The cursor is not one of this list with these filters.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeMySessions: {
        parameters: {
            query?: {
                /** @description Ends the session of this very call as well. */
                includeCurrent?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeMySession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_found`: There is no such session. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enrolTotp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorEnrolment"];
            };
        };
        responses: {
            /** @description What the authenticator app has to be told. Shown this once. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpSecret"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `totp_enrolled`: The account has an authenticator app already. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeTotp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorConfirmation"];
            };
        };
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_password`: The password is wrong.
             *
             *     `wrong_second_factor`: The second factor is wrong, or was used already.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `totp_not_enrolled`: The account has no authenticator app.
             *
             *     `user_not_found`: There is no such user.
             */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirmTotp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TotpCode"];
            };
        };
        responses: {
            /** @description The authenticator app is a second factor from now on. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpConfirmed"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `wrong_second_factor`: The second factor is wrong, or was used already.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A user. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: You may not do this. */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header: {
                /** @description The ETag of the version to change. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description A user. */
            200: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /**
             * @description `validation_failed`: The request is not valid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `own_admin_role`: Administrators cannot give up their own role.
             *
             *     `last_admin`: The last administrator cannot lose the role.
             */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `stale_etag`: The resource has changed since that ETag. */
            412: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is larger than 1 MiB. */
            413: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not supported here. */
            415: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `if_match_required`: This call needs an If-Match header with the ETag. */
            428: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resetSecondFactor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the answer has no body. */
            204: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `validation_failed`: The request is not valid. */
            400: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `invalid_token`: The access token is not valid, or not any more.
             *
             *     `authentication_required`: Log in and send the access token.
             */
            401: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `forbidden`: You may not do this.
             *
             *     `insufficient_aal`: This takes a log-in with a second factor.
             */
            403: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `user_not_found`: There is no such user. */
            404: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `own_second_factor`: Administrators remove their own second factors with a proof, as everybody does. */
            409: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong on our side. */
            500: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `service_unavailable`: The service cannot take this request now. */
            503: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    /** @description Seconds after which to try again, where that helps. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `deadline_exceeded`: The request did not finish in time. */
            504: {
                headers: {
                    /** @description Names this request in logs. */
                    "X-Request-ID"?: string;
                    /**
                     * @description The limit that this call counts under: `q` calls in `w` seconds.
                     * @example "requests";q=1200;w=60
                     */
                    "RateLimit-Policy"?: string;
                    /**
                     * @description How many calls are left of it, and the seconds until it begins anew.
                     * @example "requests";r=1199;t=60
                     */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
