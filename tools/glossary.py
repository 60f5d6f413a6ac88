"""The part of the glossary that lists states and kinds, made of the console's own messages.

python tools/glossary.py            # write it
python tools/glossary.py --check    # say whether it is current
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
GLOSSARY: Final = ROOT / "docs" / "glossary.md"
LOCALE: Final = ROOT / "src" / "counterfoil" / "console" / "locale"
BEGIN: Final = "<!-- states -->"
END: Final = "<!-- /states -->"

#: Group of messages → what its codes are of.
GROUPS: Final = {
    "application_status": "states of an application · 授信申请",
    "review_status": "states of a review · 人工复核",
    "consent_status": "states of a consent · 授权",
    "consent_event": "what happens to a consent · 授权事件",
    "contract_status": "states of a contract · 合同",
    "authentication": "levels of authentication · 身份认证等级",
    "approval_status": "states of a request for approval · 审批请求",
    "record_link": "steps of a link between records · 客户记录合并",
    "right_state": "states of a right of staff · 人员权限",
    "case_kind": "kinds of a case of a customer · 客户案件",
    "emergency_finding": "what a review of an emergency found · 紧急访问复核",
    "call_status": "states of a request for a call · 回电预约",
    "call_about": "what a call is about · 回电事项",
    "call_slot": "when a customer likes to be called · 回电时段",
    "call_step": "what came of a call · 回电结果",
    "contact_status": "states of a contact case · 联系案件",
    "contact_step": "what is done to reach a customer · 联系案件处理",
    "look_conclusion": "how the look at a version ends · 策略再审结论",
    "line_case_status": "states of a case of a line's review · 额度复审事项",
    "line_ruling": "decisions on a line's case · 额度复审决定",
    "cap_status": "states of an action cap · 自动拒绝上限",
    "model_status": "states of a model · 模型",
    "model_step": "what happens to a model · 模型步骤",
    "model_level": "levels of an alarm · 预警等级",
    "model_notice": "what is due about a model · 模型待办",
    "experiment_state": "what happens to an experiment · 策略实验",
    "experiment_kind": "kinds of an experiment · 策略实验类型",
    "line_status": "states of a line · 授信",
    "loan_status": "states of a loan · 借据",
    "instalment_status": "states of an instalment · 期次",
    "customer_status": "states of a customer · 客户",
    "payment_status": "states of a payment · 收付款",
    "payment_act": "what is done with a rail · 与支付通道的往来",
    "payment_answer": "what a rail answers · 支付通道的答复",
    "suspense": "why two people look · 挂账原因",
    "payment_resolution": "what two people make of a payment · 挂账处理",
    "obstacle": "why a rail cannot carry a payment · 路由障碍",
    "rail_kind": "kinds of rails · 通道类型",
    "direction": "directions of a payment · 方向",
    "transaction": "kinds of transactions · 交易",
    "part": "parts of a payment · 还款分配",
    "prepayment": "what paying early does · 提前还款",
    "method": "methods of repayment · 还款方式",
    "journal": "kinds of journals · 凭证",
    "line_event": "changes of a line · 授信变更",
    "measure_kind": "measures on a line · 额度措施",
    "measure_status": "states of a measure · 额度措施状态",
    "appeal_outcome": "decisions on an appeal · 申诉处理",
    "appeal_status": "states of an appeal · 申诉",
    "funnel": "stages of applications · 申请漏斗",
    "bound": "bounds of a limit · 额度限制",
    "feature_source": "sources of inputs · 输入来源",
    "rule_action": "what a rule does · 规则动作",
    "trait_quality": "how far a value can be relied on · 取值质量",
    "data_check": "checks of data quality · 数据质量检查",
    "data_effect": "what a check does · 检查处置",
    "held_reason": "why an event waits · 隔离原因",
    "verdict": "what a rule says · 规则判断",
    "purpose": "purposes · 用途",
    "channel": "channels · 渠道",
    "setting_kind": "what a customer sets · 客户设置",
    "setting_channel": "channels of messages · 通知渠道",
    "statement_form": "forms of statements · 对账单形式",
    "debit_status": "states of an auto-debit · 自动扣款",
    "close_step": "steps of the close of day · 日终步骤",
    "reveal_purpose": "what of a person is looked at · 查看个人信息",
    "role": "roles · 角色",
    "environment": "environments · 环境",
}


def messages(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the console's messages of a language by group."""
    text = (LOCALE / f"{language}.toml").read_text(encoding="utf-8")
    return {group: found for group, found in tomllib.loads(text).items() if type(found) is dict}


def states() -> str:
    """Return the table of codes, by group."""
    english, chinese = messages("en"), messages("zh-CN")
    lines = []
    for group, title in GROUPS.items():
        lines += [f"### {title}", "", "| code | English | 中文 |", "|---|---|---|"]
        for code, text in english[group].items():
            lines.append(f"| `{code}` | {text} | {chinese[group][code]} |")
        lines.append("")
    return "\n".join(lines)


def put(text: str, made: str) -> str:
    """Return the glossary with its generated part replaced."""
    block = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
    assert len(block.findall(text)) == 1
    return block.sub(lambda _: f"{BEGIN}\n\n{made}\n{END}", text)


def main() -> None:
    """Write the glossary's generated part, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if stale")
    arguments = parser.parse_args()
    present = GLOSSARY.read_text(encoding="utf-8")
    made = put(present, states())
    if arguments.check:
        sys.exit("docs/glossary.md is stale: python tools/glossary.py" if made != present else 0)
    GLOSSARY.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
