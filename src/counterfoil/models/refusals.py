"""What the room of models can refuse, each with its stable code and the next step."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

MODEL_NOT_FOUND: Final = Refusal(
    code="model_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no model with this hash in the registry.",
    next_step="Register the model's file, or look its hash up in the list of models.",
)
MODEL_VERSION_TAKEN: Final = Refusal(
    code="model_version_taken",
    kind=Kind.CONFLICT,
    message="{code} {version} is registered with other content.",
    next_step="Give the new model a version of its own.",
)
MODEL_VALIDATED_BY_DEVELOPER: Final = Refusal(
    code="model_validated_by_developer",
    kind=Kind.FORBIDDEN,
    message="Whoever develops a model does not validate it.",
    next_step="Let somebody else validate it.",
)
MODEL_APPROVED_BY_INVOLVED: Final = Refusal(
    code="model_approved_by_involved",
    kind=Kind.FORBIDDEN,
    message="Whoever developed or validated a model does not approve it.",
    next_step="Ask a third person for the approval.",
)
MODEL_DIRECTION_BROKEN: Final = Refusal(
    code="model_direction_broken",
    kind=Kind.CONFLICT,
    message="{feature} goes against the direction declared for it.",
    next_step="Train the model with the direction, or declare another one and say why.",
)
MODEL_ALARM_RED: Final = Refusal(
    code="model_alarm_red",
    kind=Kind.CONFLICT,
    message="The validation is red: {alarms}.",
    next_step="Correct the model, or accept each red alarm by name with a reason.",
)
MODEL_VALIDATION_OF_ANOTHER: Final = Refusal(
    code="model_validation_of_another",
    kind=Kind.INVALID,
    message="The validation is of another model.",
    next_step="Validate the model that is registered.",
)
MODEL_NOT_IN_STATE: Final = Refusal(
    code="model_not_in_state",
    kind=Kind.CONFLICT,
    message="The model is {state}; it cannot become {wanted}.",
    next_step="Models go from draft by validated and approved to live; read its history.",
)
MODEL_APPROVAL_EXPIRED: Final = Refusal(
    code="model_approval_expired",
    kind=Kind.GONE,
    message="The model's approval held until {until}.",
    next_step="Validate the model again and have it approved.",
)
MODEL_IN_USE: Final = Refusal(
    code="model_in_use",
    kind=Kind.CONFLICT,
    message="The policy {policy} decides by this model.",
    next_step="Publish a policy that does without it first.",
)
MODEL_NOT_RELEASED: Final = Refusal(
    code="model_not_released",
    kind=Kind.CONFLICT,
    message="The policy decides by a model that is {state}.",
    next_step="Have the model validated, approved and published before the policy.",
)
MODEL_SEGMENT_NOT_HELD: Final = Refusal(
    code="model_segment_not_held",
    kind=Kind.CONFLICT,
    message="Approvals of the segment {segment} are not held back.",
    next_step="Look at the model's monitoring to see which segments are.",
)
