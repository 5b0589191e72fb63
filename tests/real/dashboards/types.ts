// A dashboard as Grafana's own types have it, its panels with the options of their plug-ins.
import type { AnnotationQuery, Dashboard, DataQuery, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type { FieldConfig as HeatmapField, Options as Heatmap } from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { FieldConfig as StatesField, Options as States } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { FieldConfig as TableField, Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as Text } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type { FieldConfig as LinesField, Options as Lines } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has no enums, but their values.
type Json<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? Json<Item>[]
      : T extends object
        ? { [Key in keyof T]: Json<T[Key]> }
        : T;

// An option that is left out has the plug-in's default; one that is there must be known.
type Some<T> = T extends readonly unknown[] ? T : T extends object ? { [Key in keyof T]?: Some<T[Key]> } : T;

interface Target {
  datasource: { type: 'prometheus'; uid: '${datasource}' };
  editorMode: 'code';
  expr: string;
  format: 'heatmap' | 'table' | 'time_series';
  instant: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
}

type Defaults = Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'>;

type Drawn<Type extends string, Options, Field> = Json<Omit<Panel, 'fieldConfig' | 'options' | 'targets' | 'type'>> & {
  type: Type;
  options: Json<Some<Options>>;
  fieldConfig: { defaults: Json<Defaults> & { custom: Json<Some<Field>> }; overrides: Json<NonNullable<Panel['fieldConfig']>['overrides']> };
  targets: Target[];
};

type Leaf =
  | Drawn<'heatmap', Heatmap, HeatmapField>
  | Drawn<'stat', Stat, object>
  | Drawn<'state-timeline', States, StatesField>
  | Drawn<'table', Table, TableField>
  | Drawn<'timeseries', Lines, LinesField>
  | (Json<Omit<Panel, 'fieldConfig' | 'options' | 'targets' | 'type'>> & { type: 'text'; options: Json<Some<Text>> });

interface Asked extends DataQuery {
  expr: string;
  interval: string;
}

// What the Prometheus data source reads of an annotation beside what all have.
type Annotation = Json<Omit<AnnotationQuery, 'target'>> & {
  target?: Asked;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: 'off' | 'on';
};

export type Board = Json<Omit<Dashboard, 'annotations' | 'panels' | 'templating'>> & {
  annotations: { list: Annotation[] };
  panels: (Leaf | (Json<Omit<RowPanel, 'panels'>> & { panels: Leaf[] }))[];
  templating: { list: Json<VariableModel>[] };
};
