import fc from 'fast-check';
import { BEHAVIOUR_NAMES, BEHAVIOURS, STEPS } from './behaviours.js';
import { DEFAULT_SCRIPT, type Occasion, type Script, ScriptPlayer } from './script.js';

const playing = (script: Partial<Script>): ScriptPlayer => {
  const player = new ScriptPlayer();
  player.follow({ ...DEFAULT_SCRIPT, ...script });
  return player;
};
const occasion = (different: Partial<Occasion> = {}): Occasion => ({
  step: 'authorize',
  key: 'key',
  method: 'pm_card_visa',
  ...different,
});

describe('without a script', () => {
  it('a request is treated well', () => {
    expect(playing({}).behaviourFor(occasion())).toEqual({});
  });

  it('a fault of the payment method is there on the first try of each key alone', () => {
    const player = playing({});
    const method = 'pm_sim_timeout_after_effect';
    expect(player.behaviourFor(occasion({ method }))).toEqual(BEHAVIOURS.timeout_after_effect);
    expect(player.behaviourFor(occasion({ method }))).toEqual({});
    expect(player.behaviourFor(occasion({ method, key: 'other' }))).toEqual(BEHAVIOURS.timeout_after_effect);
  });

  it('what the bank says because of the payment method stays', () => {
    const player = playing({});
    const method = 'pm_card_authenticationRequired';
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect(player.behaviourFor(occasion({ method }))).toEqual({ bank: 'action_required' });
    }
  });

  it.each([
    ['pm_sim_slow', BEHAVIOURS.slow],
    ['pm_sim_error_500_kept_after_effect', BEHAVIOURS.error_500_kept_after_effect],
  ])('what lasts because of the payment method is there on every try: %s', (method, behaviour) => {
    const player = playing({});
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect(player.behaviourFor(occasion({ method }))).toEqual(behaviour);
    }
  });

  it('a request gets what it asks for, every time', () => {
    const player = playing({});
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect(player.behaviourFor(occasion({ asked: 'rate_limited' }))).toEqual(BEHAVIOURS.rate_limited);
    }
  });

  it('what a request asks for does not change the mind of the bank', () => {
    const asked = occasion({ asked: 'slow', method: 'pm_card_chargeDeclined' });
    expect(playing({}).behaviourFor(asked)).toMatchObject({ ...BEHAVIOURS.slow, bank: { decline: {} } });
  });
});

describe('the tries of a key', () => {
  const method = 'pm_sim_timeout_after_effect';

  it('are counted by step', () => {
    const player = playing({});
    expect(player.attemptsOf('refund', 'key')).toBe(0);
    player.behaviourFor(occasion({ step: 'refund' }));
    player.behaviourFor(occasion({ step: 'refund' }));
    player.behaviourFor(occasion({ step: 'capture' }));
    expect(player.attemptsOf('refund', 'key')).toBe(2);
  });

  it('are forgotten, the oldest first, when there are more keys than it is told to remember', () => {
    const player = new ScriptPlayer(2);
    for (const key of ['one', 'two', 'three']) player.behaviourFor(occasion({ key, method }));
    expect(['one', 'two', 'three'].map((key) => player.attemptsOf('authorize', key))).toEqual([0, 1, 1]);
    expect(player.behaviourFor(occasion({ key: 'one', method }))).toEqual(BEHAVIOURS.timeout_after_effect);
    expect(player.behaviourFor(occasion({ key: 'three', method }))).toEqual({});
  });
});

describe('a rule', () => {
  it.each<[string, Partial<Occasion>, boolean]>([
    ['the same step, method and key', {}, true],
    ['another step', { step: 'capture' }, false],
    ['another method', { method: 'pm_card_mastercard' }, false],
    ['another key', { key: 'other' }, false],
  ])('for %s fits as it says', (_, different, fits) => {
    const rule = { step: 'authorize', method: 'pm_card_visa', key: 'key', behaviour: 'slow' } as const;
    const behaviour = playing({ rules: [rule] }).behaviourFor(occasion(different));
    expect(behaviour).toEqual(fits ? BEHAVIOURS.slow : {});
  });

  it('that names nothing fits everything, also what only reads', () => {
    const player = playing({ rules: [{ behaviour: 'reset_before_effect' }] });
    for (const step of STEPS) {
      expect(player.behaviourFor(occasion({ step, method: null }))).toEqual(BEHAVIOURS.reset_before_effect);
    }
  });

  it('holds as often as it says; then the next one does', () => {
    const player = playing({
      rules: [
        { behaviour: 'slow', times: 2 },
        { behaviour: 'rate_limited', times: 1 },
      ],
    });
    const behaviours = [1, 2, 3, 4].map(() => player.behaviourFor(occasion()));
    expect(behaviours).toEqual([BEHAVIOURS.slow, BEHAVIOURS.slow, BEHAVIOURS.rate_limited, {}]);
  });

  it('comes before the payment method, and after what the request asks for', () => {
    const player = playing({ rules: [{ behaviour: 'rate_limited' }] });
    const method = 'pm_sim_slow';
    expect(player.behaviourFor(occasion({ method }))).toEqual(BEHAVIOURS.rate_limited);
    const asked = 'webhook_lost';
    expect(player.behaviourFor(occasion({ asked }))).toEqual(BEHAVIOURS.webhook_lost);
  });

  it('ends with the next script, which leaves known what was tried', () => {
    const player = playing({ rules: [{ behaviour: 'rate_limited' }] });
    const method = 'pm_sim_reset_after_effect';
    player.behaviourFor(occasion({ method }));
    player.follow(DEFAULT_SCRIPT);
    expect(player.behaviourFor(occasion({ method }))).toEqual({});
  });
});

describe('chance', () => {
  const chances = fc
    .dictionary(fc.constantFrom(...BEHAVIOUR_NAMES), fc.double({ min: 0, max: 0.05, noNaN: true }))
    .map((any): Script['chances'] => any);
  const occasions = fc.array(
    fc.record({ step: fc.constantFrom(...STEPS), key: fc.string(), method: fc.constant('pm_card_visa') }),
  );

  it('does the same for the same seed, step, key and attempt, in whatever order requests come', () => {
    fc.assert(
      fc.property(fc.nat(), chances, occasions, fc.nat(), (seed, of, all, turn) => {
        const ofOneOrder = playing({ seed, chances: of });
        const ofAnother = playing({ seed, chances: of });
        const unique = [...new Map(all.map((each) => [`${each.step} ${each.key}`, each])).values()];
        const at = unique.length === 0 ? 0 : turn % unique.length;
        const turned = [...unique.slice(at), ...unique.slice(0, at)];
        const first = new Map(unique.map((each) => [each, ofOneOrder.behaviourFor(each)]));
        for (const each of turned) expect(ofAnother.behaviourFor(each)).toEqual(first.get(each));
      }),
    );
  });

  it('does about as much as it is said to', () => {
    const player = playing({ chances: { slow: 0.25, rate_limited: 0.5 } });
    const drawn = Array.from({ length: 4_000 }, (_, index) =>
      player.behaviourFor(occasion({ key: `key ${index}` })),
    );
    const share = (behaviour: object): number =>
      drawn.filter((each) => each === behaviour).length / drawn.length;
    expect(share(BEHAVIOURS.slow)).toBeCloseTo(0.25, 1);
    expect(share(BEHAVIOURS.rate_limited)).toBeCloseTo(0.5, 1);
  });

  it('is different for another attempt, so that what is tried again goes through in the end', () => {
    const player = playing({ chances: { rate_limited: 0.9 } });
    const attempts = Array.from({ length: 200 }, () => player.behaviourFor(occasion()));
    expect(attempts).toContainEqual({});
    expect(attempts).toContainEqual(BEHAVIOURS.rate_limited);
  });

  it('leaves alone payment methods that misbehave by themselves', () => {
    const player = playing({ chances: { rate_limited: 1 } });
    expect(player.behaviourFor(occasion({ method: 'pm_sim_slow' }))).toEqual(BEHAVIOURS.slow);
  });
});
