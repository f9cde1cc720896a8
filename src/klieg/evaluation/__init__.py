"""Score a case against known truth: what was found, what was mistaken, who was wrongly named.

The door to the rooms behind it. It knows no threshold of the detector and never looks at how a
finding came about.
"""

from klieg.evaluation.ranking import rank_auc
from klieg.evaluation.scores import (
    CampaignScore,
    LookAlikeScore,
    Scored,
    Scores,
    evaluate,
)

__all__ = ["CampaignScore", "LookAlikeScore", "Scored", "Scores", "evaluate", "rank_auc"]
