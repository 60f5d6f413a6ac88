"""What is planted into journals, evidence, payments and the house's own sums, and who finds it."""

from tests.store.corruptions import LINE, OPEN, PAID, PAYOUT

LEAF_COLUMNS = (
    "customer_id, leaf_id, leaf_type, subject_id, commitment, created, checkpoint_size, "
    "command_key, sealed"
)
DRAW_LEAF = "(SELECT min(leaf_id) FROM evidence.leaf WHERE leaf_type = 11)"
NEXT = "(SELECT max(idx) + 1 FROM evidence.leaf)"
COPY_OF_JOURNAL = (
    "INSERT INTO ledger.journal SELECT customer_id, {journal_id}, lender_id, currency, "
    "product_code, book_date, posted_at, kind, loan_id, transaction_id, {accounts}, {amounts} "
    "FROM ledger.journal WHERE {which}"
)
HOUSE_JOURNAL = (
    "customer_id = 0 AND journal_id = (SELECT min(journal_id) FROM ledger.journal "
    "WHERE customer_id = 0)"
)
#: The line that shows the transfer which is not recalled.
SHOWN = (
    "(rail, statement_date, line_no) = (SELECT rail, statement_date, line_no "
    "FROM payments.received WHERE rail_reference = 'T90000000')"
)

PLANTED_IN_BOOKS: dict[str, tuple[str, str]] = {
    # journals
    "a journal that does not sum to zero": (
        "journal_balance",
        f"UPDATE ledger.journal SET amounts[1] = amounts[1] + 1 WHERE transaction_id = {PAID}",
    ),
    "a journal with more accounts than amounts": (
        "journal_balance",
        f"UPDATE ledger.journal SET accounts = accounts || 1002 WHERE transaction_id = {PAID}",
    ),
    "an account outside the chart": (
        "journal_balance",
        f"UPDATE ledger.journal SET accounts[1] = 4711 WHERE {HOUSE_JOURNAL}",
    ),
    "a journal that is missing": (
        "journal_per_movement",
        f"DELETE FROM ledger.journal WHERE transaction_id = {PAID}",
    ),
    "a journal that stands twice": (
        "journal_per_movement",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="accounts", amounts="amounts", which=f"transaction_id = {PAID}"
        ),
    ),
    "a journal of another amount": (
        "journal_per_movement",
        (
            "UPDATE ledger.journal SET amounts[1] = amounts[1] + 1, amounts[2] = amounts[2] - 1 "
            f"WHERE transaction_id = {PAID}"
        ),
    ),
    "a journal in another book": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET product_code = 'other' WHERE transaction_id = {PAID}",
    ),
    "a journal on another date": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET book_date = book_date - 1 WHERE transaction_id = {PAID}",
    ),
    "a journal of another loan": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET loan_id = 1 WHERE transaction_id = {PAID}",
    ),
    "a hold that was never booked": (
        "journal_per_movement",
        f"DELETE FROM ledger.journal WHERE kind = 'hold' AND loan_id = {OPEN}",
    ),
    "a hold that was never released": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'hold_release'",
    ),
    "credit that was set aside and never booked": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'credit_return'",
    ),
    "returned credit that never left the books": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'credit_return_paid'",
    ),
    "a house journal that names a loan": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET loan_id = 1 WHERE {HOUSE_JOURNAL}",
    ),
    "a house journal of an unknown kind": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET kind = 'gift' WHERE {HOUSE_JOURNAL}",
    ),
    # commands and evidence
    "a transaction that nobody commanded": (
        "commands",
        (
            "DELETE FROM platform.command WHERE idempotency_key = (SELECT idempotency_key FROM "
            f"lending.loan_transaction WHERE transaction_id = {PAID})"
        ),
    ),
    "a change that nobody commanded": (
        "commands",
        f"UPDATE lending.line_event SET idempotency_key = 'x' WHERE line_id = {LINE}",
    ),
    "a command without an answer": (
        "commands",
        "UPDATE platform.command SET answer = '' WHERE kind = 'draw'",
    ),
    "an answer that was altered": (
        "evidence_leaves",
        (
            "UPDATE platform.command SET answer = replace(answer, 'pending', 'settled') "
            "WHERE kind = 'draw' AND customer_id = (SELECT min(customer_id) FROM platform.command "
            "WHERE kind = 'draw')"
        ),
    ),
    "a leaf that opens as another one": (
        "evidence_leaves",
        (
            "UPDATE evidence.leaf SET sealed = (SELECT sealed FROM evidence.leaf WHERE leaf_id <> "
            f"{DRAW_LEAF} AND leaf_type = 11 LIMIT 1) WHERE leaf_id = {DRAW_LEAF}"
        ),
    ),
    "a leaf that was altered": (
        "evidence_log",
        f"UPDATE evidence.leaf SET commitment = sha256('x') WHERE leaf_id = {DRAW_LEAF}",
    ),
    "a leaf of another type": (
        "evidence_leaves",
        f"UPDATE evidence.leaf SET leaf_type = 10 WHERE leaf_id = {DRAW_LEAF}",
    ),
    "a leaf that is missing": (
        "evidence_leaves",
        f"DELETE FROM evidence.leaf WHERE leaf_id = {DRAW_LEAF}",
    ),
    "a leaf of nothing": (
        "evidence_leaves",
        (
            f"INSERT INTO evidence.leaf (idx, {LEAF_COLUMNS}) "
            f"SELECT {NEXT}, customer_id, 1, 11, line_id, sha256('b'), 1, 0, 'none', sealed "
            f"FROM lending.credit_line JOIN evidence.leaf USING (customer_id) LIMIT 1"
        ),
    ),
    "a leaf that stands for two": (
        "evidence_leaves",
        (
            f"INSERT INTO evidence.leaf (idx, {LEAF_COLUMNS}) "
            f"SELECT {NEXT}, {LEAF_COLUMNS} FROM evidence.leaf WHERE leaf_id = {DRAW_LEAF}"
        ),
    ),
    "a decision that was altered": (
        "decisions",
        (
            "UPDATE decisioning.decision SET result = replace(result, 'declined', 'approved') "
            "WHERE outcome = 'declined'"
        ),
    ),
    "a policy that was not kept": (
        "decisions",
        "DELETE FROM decisioning.policy_version",
    ),
    # payouts
    "a payout of another amount": (
        "payout_amounts",
        f"UPDATE payments.payment SET amount_minor = amount_minor + 1 WHERE payment_id = {PAYOUT}",
    ),
    "a payout on another day": (
        "payouts",
        f"UPDATE payments.payment SET value_date = value_date + 1 WHERE payment_id = {PAYOUT}",
    ),
    "a loan whose payout failed": (
        "payouts",
        (
            "UPDATE payments.payment SET status = 'failed', outcome = 'failed' "
            f"WHERE payment_id = {PAYOUT}"
        ),
    ),
    "a running loan whose payout is still under way": (
        "payouts",
        f"UPDATE payments.payment SET status = 'sent', outcome = NULL WHERE payment_id = {PAYOUT}",
    ),
    "a loan without a payout": (
        "payouts",
        f"DELETE FROM payments.payment WHERE payment_id = {PAYOUT}",
    ),
    "a payout without a loan": (
        "payouts",
        f"UPDATE payments.payment SET loan_id = 1 WHERE payment_id = {PAYOUT}",
    ),
    "a payout that the statement does not show": (
        "payouts",
        f"DELETE FROM payments.statement_line WHERE payment_id = {PAYOUT}",
    ),
    "a payout that the statement shows with another amount": (
        "payouts",
        (
            "UPDATE payments.statement_line SET amount_minor = amount_minor + 1 "
            f"WHERE payment_id = {PAYOUT}"
        ),
    ),
    "a payout that the rail took back": (
        "payouts",
        (
            "INSERT INTO payments.statement_line SELECT rail, statement_date, 9999, reference, "
            "payment_id, 'returned', amount_minor, currency, value_date, rail_reference "
            f"FROM payments.statement_line WHERE payment_id = {PAYOUT}"
        ),
    ),
    "returned credit whose payout failed": (
        "payouts",
        (
            "UPDATE payments.payment SET status = 'failed', outcome = 'failed' "
            "WHERE subject = 'credit_return'"
        ),
    ),
    "returned credit without a payout": (
        "payouts",
        "DELETE FROM payments.payment WHERE subject = 'credit_return'",
    ),
    "returned credit of another amount": (
        "payouts",
        (
            "UPDATE payments.payment SET amount_minor = amount_minor + 1 "
            "WHERE subject = 'credit_return'"
        ),
    ),
    # the house
    "credit on its way in the general ledger that no line knows": (
        "ledger_to_loans",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{2204,1002}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "principal in the general ledger that no loan owes": (
        "ledger_to_loans",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{1301,1002}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "interest in the general ledger that nobody earned": (
        "receivables",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{1132,6011}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "penalty in the general ledger that nobody earned": (
        "receivables",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{1133,6012}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "a kept accrual that was altered": (
        "accrual_day",
        (
            "UPDATE lending.accrual_day SET interest_receivable_e8 = interest_receivable_e8 + 1 "
            "WHERE business_date = (SELECT max(business_date) FROM lending.accrual_day)"
        ),
    ),
    "a kept accrual that is missing": (
        "accrual_day",
        (
            "DELETE FROM lending.accrual_day WHERE bucket = 0 "
            "AND business_date = (SELECT max(business_date) FROM lending.accrual_day)"
        ),
    ),
    "a kept sum of lines that was altered": (
        "line_day",
        (
            "UPDATE lending.line_day SET available_minor = available_minor - 1 "
            "WHERE business_date = (SELECT max(business_date) FROM lending.line_day)"
        ),
    ),
    "a kept sum of lines of which the loans know nothing": (
        "line_day",
        (
            "UPDATE lending.line_day SET principal_minor = principal_minor + 1 "
            "WHERE business_date = (SELECT min(business_date) FROM lending.line_day)"
        ),
    ),
    "a kept sum of lines that is missing": (
        "line_day",
        (
            "DELETE FROM lending.line_day "
            "WHERE business_date = (SELECT max(business_date) FROM lending.line_day)"
        ),
    ),
    "a sum of a closed date that was altered": (
        "day_balances",
        (
            "UPDATE ledger.day_balance SET debit_minor = debit_minor + 1 WHERE account = 1301 "
            "AND book_date = (SELECT min(book_date) FROM ledger.day_balance WHERE account = 1301)"
        ),
    ),
    "a sum of a closed date that is missing": (
        "day_balances",
        (
            "DELETE FROM ledger.day_balance WHERE account = 1301 "
            "AND book_date = (SELECT max(book_date) FROM ledger.day_balance WHERE account = 1301)"
        ),
    ),
    "a sum of journals that do not exist": (
        "day_balances",
        (
            "INSERT INTO ledger.day_balance SELECT book_date, lender_id, currency, product_code, "
            "2203, 1, 1, 1 FROM ledger.day_balance WHERE account = 1301 "
            "ORDER BY book_date LIMIT 1"
        ),
    ),
    # transfers
    "a transfer of another amount than came in": (
        "transfers",
        (
            "UPDATE payments.received SET amount_minor = amount_minor + 1, "
            "booked_minor = amount_minor + 1 WHERE rail_reference = 'T90000000'"
        ),
    ),
    "a transfer from another day": (
        "transfers",
        (
            "UPDATE payments.received SET value_date = value_date - 1 "
            "WHERE rail_reference = 'T90000000'"
        ),
    ),
    "a transfer in another currency": (
        "transfers",
        "UPDATE payments.received SET currency = 'USD' WHERE rail_reference = 'T90000000'",
    ),
    "a transfer of another turn": (
        "transfers",
        "UPDATE payments.received SET turn_no = 2 WHERE rail_reference = 'T90000000'",
    ),
    "a transfer that is nobody's repayment": (
        "transfers",
        f"DELETE FROM payments.received_repayment WHERE {SHOWN}",
    ),
    "a transfer that is somebody else's repayment": (
        "transfers",
        f"UPDATE payments.received_repayment SET repayment_id = 1 WHERE {SHOWN}",
    ),
    "a transfer that the books have and no statement shows": (
        "transfers",
        (
            "UPDATE platform.command SET kind = 'take_transfer' WHERE idempotency_key = (SELECT "
            f"idempotency_key FROM lending.loan_transaction WHERE transaction_id = {PAID})"
        ),
    ),
    "a transfer without its cash": (
        "transfers",
        (
            "UPDATE ledger.journal SET accounts = array_replace(accounts, 1002, 1221) WHERE "
            "transaction_id IN (SELECT transaction_id FROM lending.loan_transaction "
            "WHERE kind = 'repayment' AND idempotency_key LIKE 'transfer:%')"
        ),
    ),
    "a recall that the books have not": (
        "transfers",
        (
            "UPDATE lending.loan_transaction SET kind = 'reallocation' WHERE kind = 'reversal' "
            "AND reason = 'transfer_recalled'"
        ),
    ),
}
