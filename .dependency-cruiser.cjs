// Who may import whom (ARCHITECTURE.md, "Boundaries").
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'common-imports-nothing-above',
      severity: 'error',
      from: { path: '^common/' },
      to: { path: '^(planner|runtime|server)/' },
    },
    {
      name: 'runtime-never-upwards',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^(planner|server)/' },
    },
    {
      name: 'planner-sees-only-the-plan-language',
      severity: 'error',
      from: { path: '^planner/' },
      to: { path: '^(runtime|server)/', pathNot: '^runtime/(plan/|engine-client\\.ts)' },
    },
    {
      name: 'server-enters-by-the-doors',
      severity: 'error',
      from: { path: '^server/' },
      to: {
        path: '^(planner|runtime)/',
        pathNot:
          '^(planner/(planner|catalog|statement)\\.ts|runtime/(engine|engine-client)\\.ts|runtime/plan/|runtime/batch/|runtime/format/)',
      },
    },
    {
      name: 'plan-language-stands-alone',
      severity: 'error',
      from: { path: '^runtime/plan/' },
      to: { path: '^runtime/', pathNot: '^runtime/plan/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
